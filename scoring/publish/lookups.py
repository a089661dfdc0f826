"""Lookup files against the commands they lead to."""

from collections.abc import Sequence
from pathlib import Path

from scoring.contract.lookup import SORTS, Lookup, LookupBroken
from scoring.contract.snapshot import LookupPart
from scoring.publish.records import Command, damaged

_SORT_OF = {b"h": SORTS[0], b"x": SORTS[1], b"y": SORTS[2]}


def check_lookup(path: Path, part: LookupPart, commands: Sequence[Command]) -> None:
    """Every command of the RESP part in its place, and no other. Raises VerificationFailed."""
    try:
        lookup = Lookup(path.read_bytes())
        told = {
            (sort, bucket): (place.offset, place.size)
            for sort in SORTS
            for bucket in range(lookup.first_bucket, lookup.first_bucket + lookup.buckets)
            if (place := lookup.place(sort, bucket)) is not None
        }
    except LookupBroken as error:
        raise damaged(part, str(error)) from error
    held = {_bucket(command): (command.start, command.end - command.start) for command in commands}
    if told != held:
        raise damaged(part, f"does not lead to the buckets of {part.records}")


def _bucket(command: Command) -> tuple[str, int]:
    return _SORT_OF[command.key[:1]], int(command.key.rpartition(b"{")[2][:-1])
