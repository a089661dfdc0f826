"""Signed heads and proofs for everybody, from the folders that `keeping` fills; all of it blocks."""

import bisect
import time
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from api.ledger.audit.folders import StoredHead, head_paths, heads_folder, read_head, tree_folder
from api.ledger.audit.hash_files import HashFiles
from api.ledger.audit.heads import DEFAULT_ORIGIN
from api.ledger.audit.proving import (
    ContinuityProof,
    EventProof,
    NotYetSigned,
    event_proof,
    linked,
    verify_continuity_proof,
    verify_event_proof,
)
from api.ledger.protocol import Event
from scoring.keys import key_files
from scoring.signing import read_verifying_key

# A folder changed this recently may change again within one tick of its clock.
SETTLED_SECONDS = 2.0


class PublishedLog:
    """`data`: data directory. A head is never replaced: what was verified once is kept in memory, by
    its name; 8,760 a year, about 1 KiB each. All but `names` raise HeadWrong for a head that is not
    as signed, VerificationFailed where the key cannot be read, OSError; the proofs, which are
    checked before they are given, also ProofRefused and ProofWrong where log or hashes are not
    those that were signed, IndexError where hashes are missing."""

    def __init__(self, data: Path, origin: str = DEFAULT_ORIGIN) -> None:
        self.origin = origin
        self._data = data
        self._heads: dict[str, StoredHead] = {}
        self._names: list[str] = []
        self._changed_ns = -1

    def key(self) -> Ed25519PublicKey:
        return read_verifying_key(key_files(self._data).log_public)

    def key_text(self) -> str | None:
        """PEM; None before there is a key."""
        path = key_files(self._data).log_public
        if not path.exists():
            return None
        read_verifying_key(path)  # refused here rather than by whoever gets it
        return path.read_text("ascii")

    def names(self) -> Sequence[str]:
        """Of all heads, oldest first; none where there is no folder yet."""
        folder = heads_folder(self._data)
        try:
            changed_ns = folder.stat().st_mtime_ns
        except FileNotFoundError:
            return []
        if changed_ns != self._changed_ns:
            is_settled = time.time() - changed_ns / 1e9 > SETTLED_SECONDS
            names = [path.name for path in head_paths(folder)]
            self._names, self._changed_ns = names, changed_ns if is_settled else -1
        return self._names

    def page(self, *, limit: int, before: str | None = None) -> list[StoredHead]:
        """Newest first, those named before `before`."""
        names = self.names()
        end = len(names) if before is None else bisect.bisect_left(names, before)
        return [self._head(name) for name in reversed(names[max(0, end - limit) : end])]

    def continuity(self, first: int, second: int) -> ContinuityProof:
        """Between the heads of these sizes. Raises NotYetSigned where there is no such head."""
        old, new = self._of_size(first), self._of_size(second)
        with HashFiles(tree_folder(self._data), new.head.tree_hash) as kept:
            proof = linked(old, new, kept)
        verify_continuity_proof(proof, self.key(), origin=self.origin)
        return proof

    def event(self, event: Event) -> EventProof:
        """Under the newest head. Raises NotYetSigned."""
        newest = self.page(limit=1)
        if not newest or newest[0].head.size < event.seq:
            raise NotYetSigned
        with HashFiles(tree_folder(self._data), newest[0].head.tree_hash) as kept:
            proof = event_proof(event, newest[0], kept)
        verify_event_proof(proof, self.key(), origin=self.origin)
        return proof

    def _of_size(self, size: int) -> StoredHead:
        """The oldest of them, found by halving: sizes never shrink in the order of names."""
        names = self.names()
        at = bisect.bisect_left(names, size, key=lambda name: self._head(name).head.size)
        if at == len(names) or self._head(names[at]).head.size != size:
            raise NotYetSigned(f"no head was signed at {size} events")
        return self._head(names[at])

    def _head(self, name: str) -> StoredHead:
        head = self._heads.get(name)
        if head is None:
            head = read_head(heads_folder(self._data) / name, self.key(), self.origin)
            self._heads[name] = head
        return head
