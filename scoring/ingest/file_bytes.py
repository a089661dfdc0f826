"""Second stage: is this a text file, and is it the one the sender sent?

One pass over the bytes, nothing decoded and nothing unpacked.
"""

import hashlib
from pathlib import Path

import msgspec

from scoring.delivery import DeliveryNote
from scoring.errors import InputRefused

UTF8_BOM = b"\xef\xbb\xbf"

_READ_BYTES = 1 << 20
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "compressed", "gzip data"),
    (b"PK\x03\x04", "compressed", "a zip archive or an Excel workbook"),
    (b"BZh", "compressed", "bzip2 data"),
    (b"\x28\xb5\x2f\xfd", "compressed", "zstd data"),
    (b"\xfd7zXZ\x00", "compressed", "xz data"),
    (b"7z\xbc\xaf\x27\x1c", "compressed", "a 7z archive"),
    (b"\xd0\xcf\x11\xe0", "not_csv", "an old Excel or Word file"),
    (b"%PDF", "not_csv", "a PDF"),
    (b"PAR1", "not_csv", "a Parquet file"),
    (b"\xff\xfe", "not_utf8", "UTF-16"),
    (b"\xfe\xff", "not_utf8", "UTF-16"),
)


class FileBytes(msgspec.Struct, frozen=True, kw_only=True):
    """`sha256`: hex, of all bytes; `size_bytes` and `changed_ns` name the state that was read."""

    sha256: str
    size_bytes: int
    changed_ns: int


def inspect_bytes(file: Path, note: DeliveryNote) -> FileBytes:
    """Raises InputRefused for anything but plain text that is byte for byte what the note says."""
    if not file.is_file():
        raise InputRefused("file_missing", "a note came without its file", where=file.name)
    status = file.stat()
    if status.st_size == 0:
        raise InputRefused("empty", "the file is empty", where=file.name)
    with file.open("rb") as stream:
        _refuse_magic(stream.read(1024), file)
    sha256, lines, returns = _scan(file)
    if sha256 != note.sha256.lower():
        raise InputRefused(
            "digest_differs",
            f"SHA-256 {sha256} is not the note's {note.sha256}",
            where=file.name,
            do="the file was cut or changed on its way: fetch it again",
        )
    if lines == 0 and returns > 0:
        raise InputRefused(
            "line_ends", "lines end in CR alone", where=file.name, do="send LF or CRLF"
        )
    return FileBytes(sha256=sha256, size_bytes=status.st_size, changed_ns=status.st_mtime_ns)


def refuse_if_changed(file: Path, seen: FileBytes) -> None:
    """Raises InputRefused where somebody wrote to the file while it was read."""
    status = file.stat()
    if (status.st_size, status.st_mtime_ns) != (seen.size_bytes, seen.changed_ns):
        raise InputRefused("file_changed", "the file changed while it was read", where=file.name)


def _refuse_magic(head: bytes, file: Path) -> None:
    for magic, code, what in _MAGIC:
        if head.startswith(magic):
            raise InputRefused(code, f"this is {what}", where=file.name, do="send a plain CSV")
    text = head.removeprefix(UTF8_BOM).lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")):
        raise InputRefused(
            "not_csv", "this is a web page", where=file.name, do="an error page was saved as data?"
        )
    if text.startswith((b"{", b"[")):
        raise InputRefused("not_csv", "this is JSON", where=file.name, do="send a CSV")


def _scan(file: Path) -> tuple[str, int, int]:
    """SHA-256, number of LF, number of CR. Refuses NUL bytes with their line."""
    digest = hashlib.sha256()
    lines = returns = 0
    with file.open("rb") as stream:
        while block := stream.read(_READ_BYTES):
            if b"\0" in block:
                line = lines + block[: block.index(b"\0")].count(b"\n") + 1
                raise InputRefused(
                    "nul_bytes",
                    "NUL bytes: UTF-16 or binary data",
                    where=f"{file.name}:{line}",
                    do="send UTF-8",
                )
            digest.update(block)
            lines += block.count(b"\n")
            returns += block.count(b"\r")
    return digest.hexdigest(), lines, returns
