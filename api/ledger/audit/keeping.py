"""Making heads: hash what is new, see that it continues what was signed before, sign."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.ledger.audit.folders import StoredHead, heads_folder, newest_head, tree_folder, write_head
from api.ledger.audit.hash_files import HashFiles
from api.ledger.audit.heads import DEFAULT_ORIGIN, TreeHead, signed_head
from api.ledger.audit.log import NO_EVENT, EventLog
from api.ledger.merkle.hashing import SHA256, TreeHash
from api.ledger.merkle.tree import root


class HeadRefused(Exception):
    """A head would contradict what was signed before. Nothing was signed: audit the log."""


def make_head(
    data: Path,
    log: EventLog,
    key: Ed25519PrivateKey,
    now: dt.datetime,
    *,
    origin: str = DEFAULT_ORIGIN,
    tree_hash: TreeHash = SHA256,
    on_progress: Callable[[int], None] = lambda _: None,
) -> tuple[Path, TreeHead]:
    """Sign the log as it is now; the file and what it says. `now`: UTC. `on_progress` is told the
    number of events hashed. Raises HeadRefused, HeadWrong, LedgerUnavailable, FileExistsError for a
    second head in one second."""
    heads = heads_folder(data)
    with HashFiles(tree_folder(data), tree_hash, is_writable=True) as kept, kept.sole_writer():
        before = newest_head(heads, key.public_key(), origin)
        kept.cut(before.head.size if before else 0)
        _require_same_log(log, kept)
        _extend(log, kept, on_progress)
        head = TreeHead(
            origin=origin,
            size=kept.size,
            root=root(kept, kept.size),
            at=now.astimezone(dt.UTC).replace(microsecond=0),
            tree_hash=tree_hash,
        )
        if before is not None:
            _require_continues(before, head, kept)
        return write_head(heads, head, signed_head(head, key)), head


def _require_same_log(log: EventLog, kept: HashFiles) -> None:
    """The last event hashed before is still there, and still the same."""
    position = log.position()
    if position < kept.size:
        raise HeadRefused(f"the log ends at {position}, {kept.size} events were hashed before")
    if kept.size and kept.tree_hash.leaf(_leaf(log, kept.size)) != kept.node(0, kept.size - 1):
        raise HeadRefused(f"event {kept.size} is not the one that was hashed before")


def _leaf(log: EventLog, seq: int) -> bytes:
    try:
        return log.leaf(seq)
    except KeyError:
        return NO_EVENT


def _extend(log: EventLog, kept: HashFiles, on_progress: Callable[[int], None]) -> None:
    for page in log.leaves(kept.size):
        numbers = [seq for seq, _ in page]
        if numbers != list(range(kept.size + 1, kept.size + 1 + len(page))):
            raise HeadRefused(f"events are missing after event {kept.size}")
        kept.add([kept.tree_hash.leaf(data) for _, data in page])
        on_progress(kept.size)
    kept.sync()


def _require_continues(before: StoredHead, head: TreeHead, kept: HashFiles) -> None:
    old = before.head
    if old.size > head.size or old.at > head.at:
        raise HeadRefused(f"{before.name} is of a longer log or of a later time")
    if old.tree_hash != head.tree_hash or root(kept, old.size) != old.root:
        raise HeadRefused(f"{before.name} was signed over other events")
