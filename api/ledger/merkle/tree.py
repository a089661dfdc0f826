"""Roots and proofs of a tree, from the hashes of its complete subtrees.

The subtree at (level, index) holds the 2^level leaves from index * 2^level on; it never changes
again, so a store of some of them serves every later tree.
"""

from typing import Protocol

from api.ledger.merkle.hashing import TreeHash


class ProofRefused(ValueError):
    """No such leaf or tree."""


class Subtrees(Protocol):
    @property
    def tree_hash(self) -> TreeHash: ...

    @property
    def size(self) -> int:
        """Leaves there are."""
        ...

    def node(self, level: int, index: int) -> bytes:
        """Hash of a complete subtree."""
        ...


def root(subtrees: Subtrees, size: int) -> bytes:
    """Root of the first `size` leaves. Raises ProofRefused."""
    _require(0 <= size <= subtrees.size, f"there is no tree of {size} leaves")
    return _range_root(subtrees, 0, size) if size else subtrees.tree_hash.empty


def inclusion_proof(subtrees: Subtrees, index: int, size: int) -> list[bytes]:
    """RFC 9162 2.1.3.1: from the leaf's neighbour up to the root's. Raises ProofRefused."""
    _require(0 <= index < size <= subtrees.size, f"there is no leaf {index} of {size}")
    path: list[bytes] = []
    start, length = 0, size
    while length > 1:
        left = _left_of(length)
        if index < start + left:
            path.append(_range_root(subtrees, start + left, length - left))
            length = left
        else:
            path.append(_range_root(subtrees, start, left))
            start, length = start + left, length - left
    return path[::-1]


def consistency_proof(subtrees: Subtrees, first: int, second: int) -> list[bytes]:
    """RFC 9162 2.1.4.1: that the tree of `second` leaves begins with the tree of `first`. Raises
    ProofRefused."""
    _require(0 < first <= second <= subtrees.size, f"there are no trees of {first} and {second}")
    path: list[bytes] = []
    start, length, rest, is_known = 0, second, first, True
    while rest != length:
        left = _left_of(length)
        if rest <= left:
            path.append(_range_root(subtrees, start + left, length - left))
            length = left
        else:
            path.append(_range_root(subtrees, start, left))
            start, length, rest, is_known = start + left, length - left, rest - left, False
    if not is_known:  # the whole first tree is what the verifier has already
        path.append(_range_root(subtrees, start, length))
    return path[::-1]


def _left_of(length: int) -> int:
    """Leaves left of the root: the largest power of two below `length`."""
    return 1 << (length - 1).bit_length() - 1


def _range_root(subtrees: Subtrees, start: int, length: int) -> bytes:
    """Of `length` leaves from `start`, a multiple of the power of two that `length` fits into: its
    complete subtrees from the largest to the smallest, joined from the right."""
    peaks: list[bytes] = []
    for level in reversed(range(length.bit_length())):
        if length >> level & 1:
            peaks.append(subtrees.node(level, start >> level))
            start += 1 << level
    return joined(subtrees.tree_hash, peaks)


def joined(tree_hash: TreeHash, peaks: list[bytes]) -> bytes:
    """Root over complete subtrees, largest first."""
    *rest, result = peaks
    for peak in reversed(rest):
        result = tree_hash.node(peak, result)
    return result


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ProofRefused(otherwise)
