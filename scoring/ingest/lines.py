"""Third stage: bytes to lines, in batches, with the line numbers an editor shows.

A record is one line. polars only cuts lines here; its CSV reader would fill short rows with null and
drop what follows a cut, so columns are split by our own rule (`rows`).
"""

import codecs
import io
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
        frame = _frame(_as_utf8(block, encoding, file, first_line), first_line)
        first_line += frame.height
        yield frame


def _whole_lines(file: Path, limits: Limits) -> Iterator[bytes]:
    rest = b""
    with file.open("rb") as stream:
        if stream.read(len(UTF8_BOM)) != UTF8_BOM:
            stream.seek(0)
        while block := stream.read(limits.batch_bytes):
            lines, newline, tail = block.rpartition(b"\n")
            if newline:
                yield rest + lines + newline
                rest = tail
            else:
                rest += tail
            if len(rest) > limits.max_line_bytes:
                raise InputRefused(
                    "line_too_long",
                    f"a line of more than {limits.max_line_bytes} bytes",
                    where=file.name,
                )
    if rest:
        yield rest


def _as_utf8(block: bytes, encoding: Encoding, file: Path, first_line: int) -> bytes:
    """UTF-8 bytes. In GB18030 no byte of a character is LF, so blocks of whole lines stand alone."""
    try:
        text, _ = codecs.lookup(encoding).decode(block, "strict")
    except UnicodeDecodeError as error:
        line = first_line + block[: error.start].count(b"\n")
        raise InputRefused(
            "not_utf8" if encoding == "utf-8" else "not_gb18030",
            _encoding_message(block, encoding),
            where=f"{file.name}:{line}",
            do="send UTF-8, or have GB18030 declared in the note",
        ) from None
    return block if encoding == "utf-8" else text.encode()


def _encoding_message(block: bytes, encoding: Encoding) -> str:
    if encoding == "gb18030":
        return "not GB18030, as the note declares"
    try:
        block.decode("gb18030")
    except UnicodeDecodeError:
        return "not UTF-8"
    return "not UTF-8 (looks like GBK)"


def _frame(utf8: bytes, first_line: int) -> pl.DataFrame:
    # The line break in front keeps read_lines from taking a batch that happens to begin like a
    # compressed stream ("x^" is zlib's) for one.
    lines = pl.read_lines(io.BytesIO(b"\n" + utf8), name="text").slice(1)
    return lines.with_row_index("line", first_line).cast({"line": pl.Int32})
