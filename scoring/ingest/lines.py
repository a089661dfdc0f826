"""Third stage: bytes to lines, in batches, with the line numbers an editor shows.

A record is one line. polars only cuts lines here; its CSV reader would fill short rows with null and
drop what follows a cut, so columns are split by our own rule (`rows`).
"""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import polars as pl

from scoring.errors import InputRefused
from scoring.ingest.file_bytes import UTF8_BOM
from scoring.ingest.limits import Limits

Encoding = Literal["utf-8", "gb18030"]


def line_batches(file: Path, encoding: Encoding, limits: Limits) -> Iterator[pl.DataFrame]:
    """Frames `line` int32 (1 = header), `text`, in order, at least one; CR of a CRLF removed."""
    first_line = 1
    for block in _whole_lines(file, limits):
        try:
            frame = _frame(block if encoding == "utf-8" else block.decode(encoding).encode())
        except (pl.exceptions.ComputeError, UnicodeDecodeError):
            raise _refusal(block, encoding, file, first_line) from None
        yield frame.with_row_index("line", first_line).cast({"line": pl.Int32})
        first_line += frame.height


def _whole_lines(file: Path, limits: Limits) -> Iterator[bytes]:
    rest = b""
    with file.open("rb") as stream:
        # As long as it is now: a sender who goes on writing must not keep the door reading.
        end = os.fstat(stream.fileno()).st_size
        if stream.read(len(UTF8_BOM)) != UTF8_BOM:
            stream.seek(0)
        while block := stream.read(min(limits.batch_bytes, end - stream.tell())):
            lines, newline, tail = block.rpartition(b"\n")
            first = len(rest) + (block.index(b"\n") if newline else len(block))
            if first > limits.max_line_bytes:
                raise InputRefused(
                    "line_too_long",
                    f"a line of more than {limits.max_line_bytes} bytes",
                    where=file.name,
                )
            if newline:
                yield rest + lines + newline
                rest = tail
            else:
                rest += tail
    if rest:
        yield rest


def _frame(utf8: bytes) -> pl.DataFrame:
    # The line break in front keeps read_lines from taking a batch that happens to begin like a
    # compressed stream ("x^" is zlib's) for one.
    return pl.read_lines(io.BytesIO(b"\n" + utf8), name="text").slice(1)


def _refusal(block: bytes, encoding: Encoding, file: Path, first_line: int) -> InputRefused:
    """In GB18030 no byte of a character is LF, so a block of whole lines stands for itself."""
    try:
        block.decode(encoding)
    except UnicodeDecodeError as error:
        line = first_line + block[: error.start].count(b"\n")
        return InputRefused(
            "not_utf8" if encoding == "utf-8" else "not_gb18030",
            _message(block, encoding),
            where=f"{file.name}:{line}",
            do="send UTF-8, or have GB18030 declared in the note",
        )
    return InputRefused("not_utf8", "not readable as text", where=f"{file.name}:{first_line}")


def _message(block: bytes, encoding: Encoding) -> str:
    if encoding == "gb18030":
        return "not GB18030, as the note declares"
    try:
        block.decode("gb18030")
    except UnicodeDecodeError:
        return "not UTF-8"
    return "not UTF-8 (looks like GBK)"
