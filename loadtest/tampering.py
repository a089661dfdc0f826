"""Does an audit find every kind of rewriting, and name the first event that is not the signed one?

`python -m loadtest.tampering [TIMES] [SEED]`: so many copies of a log of a few hundred events, each
changed in one way by somebody who may do anything with the file; prints one line a way.
"""

import argparse
import collections
import datetime as dt
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.ledger.audit.auditing import AuditReport, audit
from api.ledger.audit.folders import heads_folder, stored_heads, tree_folder
from api.ledger.audit.hash_files import HashFiles
from api.ledger.audit.heads import DEFAULT_ORIGIN
from api.ledger.audit.keeping import make_head
from api.ledger.audit.log import SqliteLog
from api.ledger.merkle.hashing import SHA256
from api.ledger.sqlite import prepare

HEAD_SIZES = (40, 41, 200, 300)
LEDGER = "ledger.sqlite"
NOON = dt.datetime(2026, 4, 1, 4, tzinfo=dt.UTC)

# Rewrites the open file; the index of the first leaf that is another one afterwards.
Tamper = Callable[[sqlite3.Connection, random.Random], int]


class SignedLog(msgspec.Struct, frozen=True):
    """`data`: folder with heads and kept hashes; `ledger`: the log they are of."""

    data: Path
    ledger: Path
    key: Ed25519PrivateKey


class Tampering(msgspec.Struct, frozen=True):
    way: str
    index: int
    report: AuditReport

    @property
    def is_found(self) -> bool:
        broken = self.report.broken
        return broken is not None and broken.is_exact and broken.index == self.index


def signed_log(folder: Path) -> SignedLog:
    """A ledger in `folder` with a head at each of HEAD_SIZES events."""
    ledger, key = folder / LEDGER, Ed25519PrivateKey.generate()
    ledger.parent.mkdir(parents=True, exist_ok=True)
    prepare(ledger)
    chance, size = random.Random(1), 0
    for hour, until in enumerate(HEAD_SIZES):
        with sqlite3.connect(ledger) as connection:
            rows = [_row(seq, chance) for seq in range(size + 1, until + 1)]
            connection.executemany(f"INSERT INTO event ({_COLUMNS}) VALUES (?,?,?,?,?,?)", rows)  # noqa: S608 # a constant
        connection.close()
        with SqliteLog(ledger) as log:
            make_head(folder, log, key, NOON + dt.timedelta(hours=hour))
        size = until
    return SignedLog(folder, ledger, key)


_COLUMNS = "seq, at_ms, kind, stream, subject, body"


def _row(seq: int, chance: random.Random) -> tuple[int, int, str, str, str, str]:
    subject = f"{chance.randrange(20):022}"
    kind = chance.choice(["enrolled", "withdrawn"])
    return seq, 1_790_000_000_000 + seq, kind, f"enrolment:{subject}", subject, f'{{"n":{seq}}}'


def _last(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("SELECT max(seq) FROM event").fetchone()[0]
    return found


def _some(connection: sqlite3.Connection, chance: random.Random) -> int:
    return chance.randint(1, _last(connection))


def edit(connection: sqlite3.Connection, chance: random.Random) -> int:
    """One member of one event, by as little as a character or a millisecond."""
    seq = _some(connection, chance)
    change = chance.choice(
        [
            "at_ms = at_ms + 1",
            "kind = CASE kind WHEN 'enrolled' THEN 'withdrawn' ELSE 'enrolled' END",
            "subject = substr(subject, 1, 21) || 'x'",
            "stream = stream || 'x'",
            "body = body || ' '",
            "body = CAST(x'ff' AS TEXT)",
            "body = NULL",
        ]
    )
    connection.execute(f"UPDATE event SET {change} WHERE seq = ?", (seq,))  # noqa: S608 # of the list above
    return seq - 1


def delete(connection: sqlite3.Connection, chance: random.Random) -> int:
    """One event, its number left free."""
    seq = chance.randint(1, _last(connection) - 1)
    connection.execute("DELETE FROM event WHERE seq = ?", (seq,))
    return seq - 1


def delete_and_renumber(connection: sqlite3.Connection, chance: random.Random) -> int:
    """Some events in a row, the gap closed."""
    first = chance.randint(1, _last(connection) - 1)
    many = chance.randint(1, min(5, _last(connection) - first))
    connection.execute("DELETE FROM event WHERE seq >= ? AND seq < ?", (first, first + many))
    _renumber(connection, first + many, -many)
    return first - 1


def insert(connection: sqlite3.Connection, chance: random.Random) -> int:
    """An event that never was, the later ones moved on."""
    seq = _some(connection, chance)
    _renumber(connection, seq, 1)
    row = (seq, 1_790_000_000_000, "enrolled", "enrolment:x", "x", "{}")
    connection.execute(f"INSERT INTO event ({_COLUMNS}) VALUES (?,?,?,?,?,?)", row)  # noqa: S608 # a constant
    return seq - 1


def exchange(connection: sqlite3.Connection, chance: random.Random) -> int:
    """Two events, each with the other's number."""
    one, other = sorted(chance.sample(range(1, _last(connection) + 1), 2))
    for before, after in ((one, -1), (other, one), (-1, other)):
        connection.execute("UPDATE event SET seq = ? WHERE seq = ?", (after, before))
    return one - 1


def truncate(connection: sqlite3.Connection, chance: random.Random) -> int:
    """Everything from an event on."""
    seq = _some(connection, chance)
    connection.execute("DELETE FROM event WHERE seq >= ?", (seq,))
    return seq - 1


def fork(connection: sqlite3.Connection, chance: random.Random) -> int:
    """Another history from an event on, as long as the true one."""
    seq = _some(connection, chance)
    connection.execute("UPDATE event SET at_ms = at_ms + 60000 WHERE seq >= ?", (seq,))
    return seq - 1


def _renumber(connection: sqlite3.Connection, first: int, by: int) -> None:
    far = 1_000_000
    for where, step in ((first, far), (far, by - far)):
        connection.execute("UPDATE event SET seq = seq + ? WHERE seq >= ?", (step, where))


WAYS: dict[str, Tamper] = {
    way.__name__: way
    for way in (edit, delete, delete_and_renumber, insert, exchange, truncate, fork)
}


def tampered(log: SignedLog, copy: Path, way: str, chance: random.Random) -> Tampering:
    """An audit of a copy changed in this way, with the heads and hashes of the original."""
    shutil.copyfile(log.ledger, copy)
    connection = sqlite3.connect(copy)
    _disarm(connection)
    index = WAYS[way](connection, chance)
    connection.commit()
    connection.close()
    return Tampering(way, index, audited(log, copy))


def audited(log: SignedLog, ledger: Path) -> AuditReport:
    heads = stored_heads(heads_folder(log.data), log.key.public_key(), DEFAULT_ORIGIN)
    with HashFiles(tree_folder(log.data), SHA256) as kept, SqliteLog(ledger) as events:
        return audit(events, heads, kept)


def _disarm(connection: sqlite3.Connection) -> None:
    """A copy of the events without any rule of the ledger's."""
    triggers = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
    for (name,) in triggers.fetchall():
        connection.execute(f'DROP TRIGGER "{name}"')
    connection.executescript(
        """CREATE TABLE copy (seq INTEGER PRIMARY KEY, at_ms, kind, stream, subject, body);
        INSERT INTO copy SELECT seq, at_ms, kind, stream, subject, body FROM event;
        DROP TABLE IF EXISTS text;
        DROP TABLE event;
        ALTER TABLE copy RENAME TO event;"""
    )


def tamperings(times: int, seed: int) -> Iterator[Tampering]:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        log = signed_log(Path(folder) / "signed")
        for number in range(times):
            way = list(WAYS)[number % len(WAYS)]
            yield tampered(log, Path(folder) / LEDGER, way, chance)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make tamper", description=__doc__)
    parser.add_argument("times", type=int, nargs="?", default=1_000)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    options = parser.parse_args()
    done, found = collections.Counter[str](), collections.Counter[str]()
    for tampering in tamperings(options.times, options.seed):
        done[tampering.way] += 1
        found[tampering.way] += tampering.is_found
    for way in WAYS:
        print(f"{way:20} {done[way]:5} done  {found[way]:5} found, first broken index right")
    print(f"{'all':20} {done.total():5} done  {found.total():5} found, first broken index right")
    return 0 if found == done else 1


if __name__ == "__main__":
    raise SystemExit(main())
