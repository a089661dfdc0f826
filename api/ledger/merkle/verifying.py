"""What anyone can check with a proof and signed roots alone."""

from collections.abc import Sequence

from api.ledger.merkle.hashing import HASH_BYTES, SHA256, TreeHash


class ProofWrong(ValueError):
    """The proof does not lead from what is claimed to the root."""


def verify_inclusion(
    *,
    leaf_hash: bytes,
    index: int,
    size: int,
    root: bytes,
    proof: Sequence[bytes],
    tree_hash: TreeHash = SHA256,
) -> None:
    """RFC 9162 2.1.3.2. Raises ProofWrong."""
    _require(0 <= index < size, "the leaf lies outside the tree")
    _require_hashes([leaf_hash, root, *proof])
    node, last, result = index, size - 1, leaf_hash
    for other in proof:
        _require(last > 0, "the proof is too long")
        if node & 1 or node == last:
            result = tree_hash.node(other, result)
            node, last = _up_to_a_right_child(node, last)
        else:
            result = tree_hash.node(result, other)
        node, last = node >> 1, last >> 1
    _require(last == 0, "the proof is too short")
    _require(result == root, "the proof leads to another root")


def verify_consistency(
    *,
    first: int,
    second: int,
    first_root: bytes,
    second_root: bytes,
    proof: Sequence[bytes],
    tree_hash: TreeHash = SHA256,
) -> None:
    """RFC 9162 2.1.4.2: the second tree begins with the first. Raises ProofWrong."""
    _require(0 < first <= second, "no tree begins with such a tree")
    if first == second:
        _require(not proof and first_root == second_root, "trees of one size differ")
        return
    _require(len(proof) > 0, "the proof is empty")
    _require_hashes([first_root, second_root, *proof])
    # A first tree of 2^n leaves is a node of the second: the proof leaves it out.
    path = list(proof) if first & (first - 1) else [first_root, *proof]
    node, last = _past_right_children(first - 1, second - 1)
    ours = theirs = path[0]
    for other in path[1:]:
        _require(last > 0, "the proof is too long")
        if node & 1 or node == last:
            ours, theirs = tree_hash.node(other, ours), tree_hash.node(other, theirs)
            node, last = _up_to_a_right_child(node, last)
        else:
            theirs = tree_hash.node(theirs, other)
        node, last = node >> 1, last >> 1
    _require(last == 0, "the proof is too short")
    _require(ours == first_root, "the proof leads to another first root")
    _require(theirs == second_root, "the proof leads to another second root")


def _past_right_children(node: int, last: int) -> tuple[int, int]:
    while node & 1:
        node, last = node >> 1, last >> 1
    return node, last


def _up_to_a_right_child(node: int, last: int) -> tuple[int, int]:
    """The last node of a level has no neighbour on its right: it moves up as it is."""
    while node and not node & 1:
        node, last = node >> 1, last >> 1
    return node, last


def _require_hashes(hashes: Sequence[bytes]) -> None:
    _require(all(len(h) == HASH_BYTES for h in hashes), "a hash is not 32 bytes long")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ProofWrong(otherwise)
