"""Roots and proofs against the definitions of RFC 9162 written down word for word."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.ledger.audit.hash_files import HashFiles
from api.ledger.merkle.growing import GrowingTree
from api.ledger.merkle.hashing import SHA256, SM3, TreeHash
from api.ledger.merkle.tree import ProofRefused, consistency_proof, inclusion_proof, root
from api.ledger.merkle.verifying import ProofWrong, verify_consistency, verify_inclusion

sizes = st.integers(1, 70)


def leaf_hashes(size: int, tree_hash: TreeHash = SHA256) -> list[bytes]:
    return [tree_hash.leaf(str(number).encode()) for number in range(size)]


def mth(hashes: list[bytes], tree_hash: TreeHash = SHA256) -> bytes:
    """MTH of 2.1.1."""
    if len(hashes) <= 1:
        return hashes[0] if hashes else tree_hash.empty
    k = next(1 << n for n in reversed(range(20)) if 1 << n < len(hashes))
    return tree_hash.node(mth(hashes[:k], tree_hash), mth(hashes[k:], tree_hash))


class InMemory:
    """Every subtree from its leaves."""

    def __init__(self, size: int, tree_hash: TreeHash = SHA256) -> None:
        self.tree_hash = tree_hash
        self.hashes = leaf_hashes(size, tree_hash)
        self.size = size

    def node(self, level: int, index: int) -> bytes:
        leaves = self.hashes[index << level : (index + 1) << level]
        assert len(leaves) == 1 << level
        return mth(leaves, self.tree_hash)


@pytest.mark.parametrize("tree_hash", [SHA256, SM3], ids=["SHA-256", "SM3"])
def test_a_root_is_the_merkle_tree_hash_of_its_leaves(tree_hash: TreeHash) -> None:
    tree = InMemory(70, tree_hash)
    growing = GrowingTree(tree_hash)
    for size in range(71):
        expected = mth(tree.hashes[:size], tree_hash)
        assert root(tree, size) == growing.root() == expected
        if size < 70:
            growing.add(tree.hashes[size])


def test_sm3_is_the_national_standards_own_example() -> None:
    assert SM3.digest(b"abc").hex() == (
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    )


@settings(deadline=None)  # a busy machine is no wrong proof
@given(sizes, st.data())
def test_a_leaf_is_proved_in_its_place_and_in_no_other(size: int, data: st.DataObject) -> None:
    tree = InMemory(size)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(tree, index, size)
    for place in range(size):
        for leaf in {index, place}:
            arguments = {"index": place, "size": size, "root": root(tree, size), "proof": proof}
            if leaf == place == index:
                verify_inclusion(leaf_hash=tree.hashes[leaf], **arguments)  # type: ignore[arg-type]
            else:
                with pytest.raises(ProofWrong):
                    verify_inclusion(leaf_hash=tree.hashes[leaf], **arguments)  # type: ignore[arg-type]


@settings(deadline=None)  # a busy machine is no wrong proof
@given(sizes, st.data())
def test_a_tree_continues_every_smaller_one_and_no_forged_one(
    second: int, data: st.DataObject
) -> None:
    tree = InMemory(second)
    first = data.draw(st.integers(1, second))
    proof = consistency_proof(tree, first, second)
    roots = {"first_root": root(tree, first), "second_root": root(tree, second)}
    verify_consistency(first=first, second=second, proof=proof, **roots)
    for name in roots:
        forged = {**roots, name: SHA256.leaf(b"forged")}
        with pytest.raises(ProofWrong):
            verify_consistency(first=first, second=second, proof=proof, **forged)


@pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3), (3, 8), (-1, 2)])
def test_no_tree_of_7_leaves_continues_what_it_does_not_hold(first: int, second: int) -> None:
    with pytest.raises(ProofRefused):
        consistency_proof(InMemory(7), first, second)


@pytest.mark.parametrize(("index", "size"), [(3, 3), (-1, 2), (2, 8), (0, 0)])
def test_a_leaf_that_is_not_there_is_not_proved(index: int, size: int) -> None:
    with pytest.raises(ProofRefused):
        inclusion_proof(InMemory(7), index, size)


LEAVES = leaf_hashes(70_000)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, 70_000), min_size=1, max_size=4), st.data())
def test_kept_hashes_give_the_roots_and_proofs_of_the_whole_tree(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("tree")
    bounds = [0, *sorted(cuts)]
    for start, end in itertools.pairwise(bounds):
        with HashFiles(folder, SHA256, is_writable=True) as kept, kept.sole_writer():
            kept.add(LEAVES[start:end])
            kept.sync()
    with HashFiles(folder, SHA256) as kept:
        size = kept.size
        assert size == bounds[-1]
        growing = GrowingTree(SHA256)
        for leaf in LEAVES[:size]:
            growing.add(leaf)
        assert root(kept, size) == growing.root()
        if size:
            index = data.draw(st.integers(0, size - 1))
            verify_inclusion(
                leaf_hash=LEAVES[index],
                index=index,
                size=size,
                root=growing.root(),
                proof=inclusion_proof(kept, index, size),
            )


@pytest.mark.parametrize("damage", ["torn", "level lost", "level behind", "level ahead", "zeros"])
def test_kept_hashes_are_mended_after_a_crash(tmp_path: Path, damage: str) -> None:
    with HashFiles(tmp_path, SHA256, is_writable=True) as kept, kept.sole_writer():
        kept.add(LEAVES[:66_000])
    upper, lowest = tmp_path / "level-08", tmp_path / "level-00"
    if damage == "torn":
        lowest.write_bytes(lowest.read_bytes()[: -32 * 700 - 5])
    elif damage == "level lost":
        upper.unlink()
    elif damage == "level behind":
        upper.write_bytes(upper.read_bytes()[: -32 * 3 - 1])
    elif damage == "zeros":
        lowest.write_bytes(lowest.read_bytes()[: -32 * 100] + bytes(32 * 100))
    else:
        upper.write_bytes(upper.read_bytes() + bytes(64))
    with HashFiles(tmp_path, SHA256, is_writable=True) as kept, kept.sole_writer():
        kept.cut(65_900)
        kept.add(LEAVES[kept.size : 70_000])
    with HashFiles(tmp_path, SHA256) as kept:
        growing = GrowingTree(SHA256)
        for leaf in LEAVES:
            growing.add(leaf)
        assert (kept.size, root(kept, kept.size)) == (70_000, growing.root())
