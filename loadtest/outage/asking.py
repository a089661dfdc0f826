"""Partners that go on asking, whatever happens: one question at a time on each connection."""

import asyncio
import http.client
import json
import random
import time
from collections.abc import Sequence
from http import HTTPStatus

import msgspec

PAUSE_SECONDS = 0.004  # an outage is answered at once: without it the askers only spin
ANSWER_SECONDS = 5.0
RECONNECT_SECONDS = 0.05


class Case(msgspec.Struct, frozen=True):
    """A question and the answer that is right."""

    body: bytes
    is_eligible: bool


class Asked(msgspec.Struct, frozen=True):
    """`status` 0: the connection broke or nothing came. `at`: of the question, time.monotonic()."""

    at: float
    seconds: float
    status: int
    expected: bool
    text: bytes
    has_retry_after: bool

    @property
    def decision_id(self) -> str:
        return str(json.loads(self.text)["decision_id"])

    @property
    def is_false(self) -> bool:
        """A yes or no that is not so, or an outage without the word when to come again."""
        if self.status == HTTPStatus.OK:
            return json.loads(self.text)["eligible"] is not self.expected
        return self.status == HTTPStatus.SERVICE_UNAVAILABLE and not self.has_retry_after

    @property
    def is_unexpected(self) -> bool:
        return self.status not in (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE)


async def ask_until(
    stopped: asyncio.Event, *, port: int, token: str, cases: Sequence[Case], askers: int
) -> list[Asked]:
    found: list[Asked] = []
    asker = _Asker(port, token, found)
    await asyncio.gather(
        *(asker.run(stopped, cases, random.Random(number)) for number in range(askers))
    )
    return found


class _Asker:
    def __init__(self, port: int, token: str, found: list[Asked]) -> None:
        self._port = port
        self._head = (
            f"POST /v1/eligibility HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        ).encode()
        self._found = found

    async def run(self, stopped: asyncio.Event, cases: Sequence[Case], draw: random.Random) -> None:
        while not stopped.is_set():
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            try:
                while not stopped.is_set():
                    await self._ask(reader, writer, draw.choice(cases))
                    await asyncio.sleep(PAUSE_SECONDS)
            except (OSError, EOFError, TimeoutError):
                await asyncio.sleep(RECONNECT_SECONDS)
            finally:
                writer.close()

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, case: Case
    ) -> None:
        at = time.monotonic()
        status, headers, text = 0, {}, b""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                length = b"Content-Length: %d\r\n\r\n" % len(case.body)
                writer.write(self._head + length + case.body)
                status, headers = await _read_head(reader)
                text = await reader.readexactly(int(headers.get("content-length", "0")))
        finally:
            seconds = time.monotonic() - at
            has_retry_after = headers.get("retry-after", "").isdigit()
            asked = Asked(at, seconds, status, case.is_eligible, text, has_retry_after)
            self._found.append(asked)


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    if not head[0].startswith("HTTP/1.1 "):
        raise http.client.BadStatusLine(head[0])
    pairs = (line.partition(":") for line in head[1:] if line)
    return int(head[0].split()[1]), {name.lower(): value.strip() for name, _, value in pairs}
