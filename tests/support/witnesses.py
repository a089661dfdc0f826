"""Readers that know the right answer of every version and count what they are told."""

import asyncio
import random
import threading
from typing import Self

import msgspec

from api.store.protocol import StoreDown
from api.store.reader import ValkeyReader
from scoring.contract.snapshot import RecordCorrupt, decode_explanation, decode_hot, tag_of
from tests.support.patience import PATIENT_READER
from tests.support.snapshots import BASE_POINTS, score_in, subject
from tests.support.waiting import LONG_SECONDS


class Testimony(msgspec.Struct):
    """`versions`: ids that were served."""

    answers: int = 0
    wrong: int = 0
    refused: int = 0
    versions: set[str] = set()


class Witnesses:
    """Two readers as two API workers, each with some requests in flight, in a thread of their own.

    Snapshot ids end in `-<version>`; its citizens 0…size-1 have `score_in(version)` points.
    """

    def __init__(self, url: str, size: int, *, tasks: int = 8, rest_seconds: float = 0.0) -> None:
        self.testimony = Testimony()
        self._url = url
        self._names = [subject(number) for number in range(size)]
        self._tasks = tasks
        self._rest_seconds = rest_seconds
        self._is_ended = threading.Event()
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._watch()))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_ready.wait(LONG_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_ended.set()
        self._thread.join()

    async def _watch(self) -> None:
        readers = [ValkeyReader(self._url, limits=PATIENT_READER) for _ in range(2)]
        for reader in readers:
            await reader.open()
        self._is_ready.set()
        await asyncio.gather(
            *(self._ask(reader, seed) for reader in readers for seed in range(self._tasks))
        )
        for reader in readers:
            await reader.close()

    async def _ask(self, reader: ValkeyReader, seed: int) -> None:
        draw, seen = random.Random(seed), self.testimony
        while not self._is_ended.is_set():
            number = draw.randrange(len(self._names))
            try:
                is_right = await self._is_right(reader, number)
            except StoreDown:
                seen.refused += 1
                await asyncio.sleep(0.001)
                continue
            seen.answers += 1
            seen.wrong += not is_right
            if self._rest_seconds:
                await asyncio.sleep(self._rest_seconds)

    async def _is_right(self, reader: ValkeyReader, number: int) -> bool:
        """One request: hot record and explanation under one version."""
        name = self._names[number]
        version = reader.version()
        snapshot = version.manifest.snapshot
        self.testimony.versions.add(snapshot)
        numbered = int(snapshot.rsplit("-", 1)[1])
        hot = await reader.hot(version, name)
        explanation = await reader.explanation(version, name)
        if hot.value is None or explanation.value is None:
            return False
        try:
            record = decode_hot(hot.value, tag_of(name))
            (item,) = decode_explanation(explanation.value, tag_of(name))
        except (RecordCorrupt, ValueError):
            return False
        return (
            record.score_points == score_in(numbered)
            and item.record_id == f"r-{numbered}-{number}"
            and BASE_POINTS + item.points == record.score_points
        )
