"""What a disk holds after the power failed, from a trace of a process's system calls.

Killing a process proves nothing about durability: the kernel still has its pages. Here every write
is replayed onto two images of a file, what the process sees and what the disk has; a completed
fdatasync or fsync makes them equal. A disk may also have taken any part of what was not synced.
"""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

SECTOR_BYTES = 512

_LINE = re.compile(r"^(\d+)\s+(\d+\.\d+) (.*)$")
_CALL = re.compile(
    r"^(?P<name>\w+)\(\d+<(?P<path>[^>]*)>(?:, \"(?P<data>[^\"]*)\")?(?:, (?P<numbers>[\d, ]+))?\)"
    r"\s+= (?P<result>-?\d+)"
)


class SystemCall(msgspec.Struct, frozen=True):
    """`name`: pwrite64, write, ftruncate, fdatasync or fsync, completed without error. `at_seconds`:
    of the clock that time.time() reads, not after its end."""

    at_seconds: float
    name: str
    path: str
    data: bytes
    numbers: list[int]


def calls_in(trace: str) -> Iterator[SystemCall]:
    """From `strace -f -ttt -y -xx`, in the order of completion."""
    unfinished: dict[str, str] = {}
    for line in trace.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        process, at, text = match.groups()
        if text.endswith("<unfinished ...>"):
            unfinished[process] = text.removesuffix("<unfinished ...>").rstrip()
            continue
        if resumed := re.match(r"^<\.\.\. \w+ resumed>(.*)$", text):
            text = unfinished.pop(process) + resumed.group(1)
        if (call := _CALL.match(text)) and int(call["result"]) >= 0:
            numbers = [int(n) for n in (call["numbers"] or "").split(",") if n.strip()]
            path, data = _unhex(call["path"]).decode(), _unhex(call["data"] or "")
            yield SystemCall(float(at), call["name"], path, data, numbers)


def _unhex(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


class Disk:
    """Files as they were before the trace, then call by call."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.seen = {path: bytearray(content) for path, content in files.items()}
        self.durable = dict(files)

    def apply(self, call: SystemCall) -> None:
        content = self.seen.setdefault(call.path, bytearray())
        if call.name == "pwrite64":
            length, offset = call.numbers
            content.extend(bytes(max(0, offset + length - len(content))))
            content[offset : offset + length] = call.data
        elif call.name == "write":
            content.extend(call.data)
        elif call.name == "ftruncate":
            (length,) = call.numbers
            content.extend(bytes(max(0, length - len(content))))
            del content[length:]
        elif call.name in ("fdatasync", "fsync"):
            self.durable[call.path] = bytes(content)

    def after_power_loss(self, path: str, chance: random.Random) -> bytes:
        """Synced content, and each later sector with an even chance: torn writes, any order."""
        durable, seen = self.durable.get(path, b""), bytes(self.seen.get(path, b""))
        sectors = []
        for start in range(0, max(len(durable), len(seen)), SECTOR_BYTES):
            old, new = (c[start : start + SECTOR_BYTES] for c in (durable, seen))
            if old != new and chance.random() < 0.5:
                old = new
            sectors.append(old.ljust(SECTOR_BYTES, b"\0"))
        size = chance.choice([len(durable), max(len(durable), len(seen))])
        return b"".join(sectors)[:size]

    def synced(self, path: str) -> bytes:
        return self.durable.get(path, b"")


def written(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
