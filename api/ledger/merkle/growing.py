"""A tree that only ever gets more leaves: its root from a handful of hashes."""

from api.ledger.merkle.hashing import TreeHash
from api.ledger.merkle.tree import joined


class GrowingTree:
    """Holds the complete subtrees of its present size, one for each bit set in it."""

    def __init__(self, tree_hash: TreeHash) -> None:
        self._node = tree_hash.node
        self._tree_hash = tree_hash
        self._peaks: list[bytes] = []
        self.size = 0

    def add(self, leaf_hash: bytes) -> None:
        size, peaks, node = self.size, self._peaks, leaf_hash
        while size & 1:
            node = self._node(peaks.pop(), node)
            size >>= 1
        peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        return joined(self._tree_hash, self._peaks) if self._peaks else self._tree_hash.empty


def complete_root(tree_hash: TreeHash, hashes: list[bytes]) -> bytes:
    """Of 2^n hashes of one level."""
    node = tree_hash.node
    while len(hashes) > 1:
        pairs = iter(hashes)
        hashes = [node(left, right) for left, right in zip(pairs, pairs, strict=True)]
    return hashes[0]
