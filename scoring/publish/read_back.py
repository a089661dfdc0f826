"""What is in the store, compared with the files byte for byte before anyone reads it.

Listpacks keep the order in which fields were set, so HGETALL answers the very bytes of the part's
HSET behind another header, and what is compared is bytes as they come, not parsed records.
"""

import time
from collections.abc import Sequence

from scoring.errors import StoreUnavailable
from scoring.publish.load import SLICE_BYTES, Progress, Rest, slices
from scoring.publish.records import Command
from scoring.publish.verify import RecordFile, VerifiedSnapshot
from scoring.store.connection import StoreConnection, pack

END = (pack("PING"), b"+PONG\r\n")  # an answer that is too short meets this instead of silence


def read_back(store: StoreConnection, snapshot: VerifiedSnapshot, progress: Progress) -> None:
    """Raises StoreUnavailable where one byte differs, or a bucket is no listpack any more."""
    for file in snapshot.files:
        _check_encoding(store, file)
        _compare_file(store, file, progress)


def _compare_file(store: StoreConnection, file: RecordFile, progress: Progress) -> None:
    """Asks for a slice before it compares the one before, so that neither side waits."""
    rest = Rest()
    asked: Sequence[Command] = ()
    with file.path.open("rb") as part:
        for commands in (*slices(file.commands, SLICE_BYTES), ()):
            began = time.perf_counter()
            if commands:
                store.send(b"".join((*(pack("HGETALL", c.key) for c in commands), END[0])))
            if asked:
                data = part.read(asked[-1].end - asked[0].start)
                _compare(store, file, asked, data)
                progress(len(data))
            rest.after(time.perf_counter() - began)
            asked = commands


def _compare(
    store: StoreConnection, file: RecordFile, commands: Sequence[Command], data: bytes
) -> None:
    base = commands[0].start
    expected = [
        b"*%d\r\n%s" % (2 * c.field_count, data[c.members_start - base : c.end - base])
        for c in commands
    ]
    if not store.has_exactly(b"".join((*expected, END[1]))):
        raise StoreUnavailable(
            "store_differs",
            "the store does not hold what was loaded",
            where=f"{file.part.path} {commands[0].key.decode()} … {commands[-1].key.decode()}",
            do="publish again; check the store's memory and limits",
        )


def _check_encoding(store: StoreConnection, file: RecordFile) -> None:
    """A bucket above the store's listpack limits becomes a hash table of three times the size,
    without a word, and in another order: said here, before it shows as a difference."""
    if file.part.role != "records" or not file.commands:
        return
    largest = max(file.commands, key=lambda command: command.end - command.start)
    encoding = store.call("OBJECT", "ENCODING", largest.key)
    if encoding != b"listpack":
        raise StoreUnavailable(
            "store_not_configured",
            f"a bucket is stored as {encoding.decode()} instead of listpack",
            where=largest.key.decode(),
            do="start the store with hash-max-listpack-entries 512 and hash-max-listpack-value 8192",
        )
