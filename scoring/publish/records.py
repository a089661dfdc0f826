"""RESP parts: files of HSET commands, checked like user input before a store sees them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hiredis
import msgspec

from scoring.contract.snapshot import (
    FIELD_CHARS,
    LookupPart,
    Manifest,
    SnapshotPart,
    documents_key,
    explanation_key,
    history_key,
    hot_key,
)
from scoring.errors import VerificationFailed

CHUNK_BYTES = 1 << 20


class Command(msgspec.Struct, frozen=True, gc=False):
    """One HSET in a part. Bytes `start`…`end` are the command; from `members_start` on they are,
    word for word, what HGETALL answers behind its own header, as long as a bucket is a listpack."""

    key: bytes
    field_count: int
    start: int
    members_start: int
    end: int


def damaged(part: SnapshotPart | LookupPart, what: str) -> VerificationFailed:
    return VerificationFailed(
        "snapshot_part_damaged", what, where=part.path, do="build the snapshot again"
    )


def words_of(path: Path, part: SnapshotPart) -> Iterator[list[bytes]]:
    """`HSET`, key, field, value, … of each command. Raises VerificationFailed for anything else."""
    reader = hiredis.Reader(notEnoughData=Ellipsis)
    with path.open("rb") as file:
        try:
            while chunk := file.read(CHUNK_BYTES):
                reader.feed(chunk)
                while (reply := reader.gets()) is not Ellipsis:
                    yield _checked(reply, part)
        except hiredis.ProtocolError as error:
            raise damaged(part, "is not RESP") from error
    if reader.has_data():
        raise damaged(part, "ends in the middle of a command")


def _checked(reply: Any, part: SnapshotPart) -> list[bytes]:
    if type(reply) is not list or len(reply) < 4 or len(reply) % 2 or reply[0] != b"HSET":
        raise damaged(part, "holds a command that is not HSET with whole pairs")
    return reply


def _command(words: list[bytes], start: int) -> Command:
    key = words[1]
    header = b"*%d\r\n$4\r\nHSET\r\n$%d\r\n%s\r\n" % (len(words), len(key), key)
    return Command(
        key=key,
        field_count=len(words) // 2 - 1,
        start=start,
        members_start=start + len(header),
        end=start + _packed_bytes(words),
    )


# A word with its frame: `$`, the digits of its length, two line ends; for every length of a record
_FRAMED_BYTES = tuple(length + 5 + len(str(length)) for length in range(1 << 14))


def _packed_bytes(words: list[bytes]) -> int:
    """Bytes of a command written the one usual way; a part written another way (`$0016`) does not
    add up to its size. A sixth of the time of packing it."""
    try:
        framed = sum(map(_FRAMED_BYTES.__getitem__, map(len, words)))
    except IndexError:
        return len(hiredis.pack_command(tuple(words)))  # type: ignore[arg-type]  # too narrow a stub
    return 3 + len(str(len(words))) + framed


class ExpectedKeys:
    """The buckets a snapshot may set, each once, over all its parts; and how many citizens they
    brought."""

    def __init__(self, manifest: Manifest) -> None:
        buckets = range(manifest.bucket_count)
        self._hot = {hot_key(manifest.snapshot, b).encode() for b in buckets}
        self._explanations = {explanation_key(manifest.snapshot, b).encode() for b in buckets}
        self._histories = {history_key(manifest.snapshot, b).encode() for b in buckets}
        self.citizens = 0
        self.explained = 0

    def take(self, path: Path, part: SnapshotPart) -> list[Command]:
        commands: list[Command] = []
        end = 0
        for words in words_of(path, part):
            command = _command(words, end)
            end = command.end
            self._count(command, part)
            if set(map(len, words[2::2])) != {FIELD_CHARS}:
                raise damaged(part, f"holds a field that is not {FIELD_CHARS} characters")
            commands.append(command)
        check_size(end, part)
        return commands

    def _count(self, command: Command, part: SnapshotPart) -> None:
        if command.key in self._hot:
            self._hot.remove(command.key)
            self.citizens += command.field_count
        elif command.key in self._explanations:
            self._explanations.remove(command.key)
            self.explained += command.field_count
        elif command.key in self._histories:
            self._histories.remove(command.key)
        else:
            raise damaged(part, "writes a key that is not a bucket of this snapshot, or twice")


def check_size(end: int, part: SnapshotPart) -> None:
    if end != part.size_bytes:
        raise damaged(part, "is not written the one way that can be read back")


def take_documents(
    path: Path, part: SnapshotPart, manifest: Manifest
) -> tuple[list[Command], dict[str, bytes]]:
    """Commands and documents by name. Raises VerificationFailed where one is not JSON, comes twice
    or lies under another key."""
    commands: list[Command] = []
    documents: dict[str, bytes] = {}
    for words in words_of(path, part):
        if commands or words[1] != documents_key(manifest.snapshot).encode():
            raise damaged(part, "is more than one command on this snapshot's documents")
        commands.append(_command(words, 0))
        names = [name.decode("ascii", "replace") for name in words[2::2]]
        documents = dict(zip(names, words[3::2], strict=True))
    for name, body in documents.items():
        _check_json(name, body, part)
    check_size(commands[-1].end if commands else 0, part)
    return commands, documents


def _check_json(name: str, body: bytes, part: SnapshotPart) -> None:
    try:
        msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise damaged(part, f"document {name} is not JSON") from error
