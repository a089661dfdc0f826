"""Rows into the departments' CSV files, each with its delivery note, in flat memory.

Files grow side by side in a hidden folder and get their numbers and places when all are whole, so
that a broken run leaves nothing that looks like a delivery.
"""

import contextlib
import datetime as dt
import hashlib
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec
import polars as pl

from scoring.delivery import DeliveryNote, note_path
from scoring.errors import InputRefused

ROWS_PER_FILE = 1_000_000
_HIDDEN = ".generating"


class CityFile(msgspec.Struct, frozen=True, kw_only=True):
    """`path`: relative to the folder of the city, `<kind>/<department code>-<nnn>.csv`."""

    path: str
    kind: str
    department_code: str
    delivery: int
    rows: int
    size_bytes: int
    sha256: str
    sent_on: dt.date


class _Growing:
    """One file being written: its hash grows with it, so nothing is read again."""

    def __init__(self, path: Path, header: tuple[str, ...]) -> None:
        self.path = path
        self.rows = 0
        self.size_bytes = 0
        self._digest = hashlib.sha256()
        self._out: BinaryIO = path.open("wb")
        self._write((",".join(header) + "\n").encode())

    def add(self, rows: pl.DataFrame) -> None:
        buffer = io.BytesIO()
        rows.write_csv(buffer, include_header=False)
        self._write(buffer.getbuffer())
        self.rows += rows.height

    def close(self) -> str:
        """Durable on return; gives the SHA-256."""
        self._out.flush()
        os.fsync(self._out.fileno())
        self._out.close()
        return self._digest.hexdigest()

    def abandon(self) -> None:
        with contextlib.suppress(OSError):  # a full disk refuses what is still buffered
            self._out.close()

    def _write(self, data: bytes | memoryview) -> None:
        self._digest.update(data)
        self._out.write(data)
        self.size_bytes += len(data)


class Outbox:
    """Files by (kind, department, delivery), split at ROWS_PER_FILE rows."""

    def __init__(self, out: Path, headers: dict[str, tuple[str, ...]]) -> None:
        self._out = out
        self._headers = headers
        self._growing: dict[tuple[str, str, int], _Growing] = {}
        self._whole: list[tuple[tuple[str, str, int], _Growing, str]] = []
        taken = [kind for kind in headers if (out / kind).exists()]
        if taken:
            raise InputRefused(
                "city_exists",
                "there are deliveries already",
                where=str(out / taken[0]),
                do="choose an empty folder or remove them",
            )
        self._hidden = out / _HIDDEN
        shutil.rmtree(self._hidden, ignore_errors=True)  # left by a run that was killed
        self._hidden.mkdir(parents=True)

    def add(self, kind: str, rows: pl.DataFrame) -> None:
        """`rows`: department, delivery (which of its deliveries) and the kind's columns; columns of
        the header that are missing are sent empty."""
        keys = ["department", "delivery"]
        for key, part in rows.partition_by(keys, as_dict=True, include_key=False).items():
            department, delivery = key
            self._append((kind, str(department), int(delivery)), part)

    def _append(self, key: tuple[str, str, int], rows: pl.DataFrame) -> None:
        header = self._headers[key[0]]
        missing = [
            pl.lit(None, pl.String).alias(name) for name in header if name not in rows.columns
        ]
        rows = rows.with_columns(missing).select(header)
        while rows.height:
            growing = self._growing.get(key) or self._open(key)
            room = ROWS_PER_FILE - growing.rows
            growing.add(rows.head(room))
            rows = rows.slice(room)
            if growing.rows == ROWS_PER_FILE:
                self._close(key)

    def _open(self, key: tuple[str, str, int]) -> _Growing:
        name = f"{len(self._whole) + len(self._growing):06d}.csv"
        growing = self._growing[key] = _Growing(self._hidden / name, self._headers[key[0]])
        return growing

    def _close(self, key: tuple[str, str, int]) -> None:
        growing = self._growing.pop(key)
        self._whole.append((key, growing, growing.close()))

    def seal(self, sent_on: Callable[[str, int], dt.date]) -> list[CityFile]:
        """Number the files of each department by delivery, write the notes, move all into place."""
        for key in sorted(self._growing):
            self._close(key)
        files = []
        numbers: dict[tuple[str, str], int] = {}
        for (kind, department, delivery), growing, sha256 in sorted(
            self._whole, key=lambda whole: (whole[0], whole[1].path)
        ):
            number = numbers[kind, department] = numbers.get((kind, department), 0) + 1
            files.append(
                CityFile(
                    path=f"{kind}/{department}-{number:03d}.csv",
                    kind=kind,
                    department_code=department,
                    delivery=delivery,
                    rows=growing.rows,
                    size_bytes=growing.size_bytes,
                    sha256=sha256,
                    sent_on=sent_on(kind, delivery),
                )
            )
            self._place(growing.path, files[-1])
        for kind in sorted({file.kind for file in files}):
            (self._hidden / kind).rename(self._out / kind)
        self._hidden.rmdir()
        return files

    def discard(self) -> None:
        """Leave nothing behind, whatever was written."""
        for growing in self._growing.values():
            growing.abandon()
        shutil.rmtree(self._hidden, ignore_errors=True)

    def _place(self, written: Path, file: CityFile) -> None:
        target = self._hidden / file.path
        target.parent.mkdir(exist_ok=True)
        note = DeliveryNote(
            file=target.name,
            kind=file.kind,
            department_code=file.department_code,
            rows=file.rows,
            sha256=file.sha256,
            sent_on=file.sent_on,
        )
        note_path(target).write_bytes(msgspec.json.format(msgspec.json.encode(note)) + b"\n")
        written.rename(target)
