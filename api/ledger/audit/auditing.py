"""Is the log still the one that was signed, head after head; and if not, from which event on?"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import msgspec

from api.ledger.audit.folders import StoredHead
from api.ledger.audit.hash_files import HashFiles
from api.ledger.audit.log import EventLog, Leaf
from api.ledger.merkle.growing import GrowingTree
from api.ledger.merkle.hashing import HASH_BYTES, SHA256
from api.ledger.protocol import LedgerUnavailable

BEFORE_ANY_EVENT = -(1 << 63)

# Reasons for which a log cannot be read to its end whoever asks and however often.
DAMAGES = ("damaged", "io")

What = Literal["changed", "missing", "unreadable", "heads_disagree"]


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """`index`: of the first leaf that is not the signed one, its event's seq less one. Where the
    kept hashes cannot name it, it lies at `index` or later and before `before`. `head`: the first
    head that does not hold."""

    what: What
    index: int
    before: int
    head: str

    @property
    def is_exact(self) -> bool:
        return self.before == self.index + 1


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """`events`: read; `heads`: that hold; `covered`: events under the last of them."""

    events: int
    heads: int
    covered: int
    broken: Broken | None


def audit(
    log: EventLog,
    heads: Sequence[StoredHead],
    kept: HashFiles | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> AuditReport:
    """Hash every event anew and hold each head against the tree of its size, which also shows that
    every tree continues the one before. `heads`: in order of time, signatures verified. `kept` is
    believed only as far as a signed root covers it. Raises LedgerUnavailable."""
    disagreeing = _first_disagreeing(heads)
    return disagreeing or _Audit(heads, kept).run(log, on_progress)


def _first_disagreeing(heads: Sequence[StoredHead]) -> AuditReport | None:
    """Heads that no single log can have had: a later one smaller, or one size with two roots."""
    for held, (one, other) in enumerate(itertools.pairwise(heads), 1):
        first, second = one.head, other.head
        is_shrunk = second.size < first.size
        is_forked = second.size == first.size and second.root != first.root
        if is_shrunk or is_forked or first.tree_hash != second.tree_hash:
            index = min(first.size, second.size)
            broken = Broken(what="heads_disagree", index=index, before=index + 1, head=other.name)
            return AuditReport(events=0, heads=held, covered=0, broken=broken)
    return None


class _Audit:
    def __init__(self, heads: Sequence[StoredHead], kept: HashFiles | None) -> None:
        self._heads = heads
        self._kept = kept
        self._tree_hash = heads[0].head.tree_hash if heads else SHA256
        self._tree = GrowingTree(self._tree_hash)
        self._held = 0
        self._different: int | None = None  # first leaf that is not the kept one

    def run(self, log: EventLog, on_progress: Callable[[int], None]) -> AuditReport:
        ending: What = "missing"
        try:
            for page in log.leaves(BEFORE_ANY_EVENT):
                if not self._holds_with(page):
                    return self._report("changed")
                on_progress(self._tree.size)
        except LedgerUnavailable as error:
            if error.reason not in DAMAGES:
                raise
            ending = "unreadable"
        is_whole = self._check_heads() and self._held == len(self._heads)
        return self._report(None if is_whole and ending == "missing" else ending)

    def _holds_with(self, page: list[Leaf]) -> bool:
        hashes = [self._tree_hash.leaf(data) for _, data in page]
        self._compare_with_kept(hashes)
        for leaf_hash in hashes:
            if not self._check_heads():
                return False
            self._tree.add(leaf_hash)
        return True

    def _check_heads(self) -> bool:
        """Of the present size."""
        while (head := self._next()) is not None and head.head.size == self._tree.size:
            if head.head.root != self._tree.root():
                return False
            self._held += 1
        return True

    def _next(self) -> StoredHead | None:
        return self._heads[self._held] if self._held < len(self._heads) else None

    def _compare_with_kept(self, hashes: list[bytes]) -> None:
        if self._kept is None or self._different is not None:
            return
        run = self._kept.leaf_run(self._tree.size, len(hashes))
        if run != b"".join(hashes)[: len(run)]:
            pairs = enumerate(zip(_cut(run), hashes, strict=False))
            self._different = self._tree.size + next(n for n, (a, b) in pairs if a != b)

    def _report(self, what: What | None) -> AuditReport:
        covered = self._heads[self._held - 1].head.size if self._held else 0
        return AuditReport(
            events=self._tree.size,
            heads=self._held,
            covered=covered,
            broken=None if what is None else self._broken(what, covered),
        )

    def _broken(self, what: What, covered: int) -> Broken:
        head, size = self._next(), self._tree.size
        name = head.name if head else ""
        if head is not None and self._is_kept_as_signed(head):
            index = size if self._different is None else self._different
            what = "changed" if index < size else what
            return Broken(what=what, index=index, before=index + 1, head=name)
        before = size if what == "changed" else size + 1
        return Broken(what=what, index=covered, before=before, head=name)

    def _is_kept_as_signed(self, head: StoredHead) -> bool:
        if self._kept is None or self._kept.size < head.head.size:
            return False
        tree = GrowingTree(self._tree_hash)
        for leaf_hash in self._kept.leaves(head.head.size):
            tree.add(leaf_hash)
        return tree.root() == head.head.root


def _cut(run: bytes) -> Iterator[bytes]:
    return (run[at : at + HASH_BYTES] for at in range(0, len(run), HASH_BYTES))
