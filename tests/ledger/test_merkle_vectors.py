"""The published vectors of inclusion and consistency proofs, good and bad."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from api.ledger.merkle.verifying import ProofWrong, verify_consistency, verify_inclusion

FOLDER = Path(__file__).parents[2].parent / "shared" / "vectors" / "merkle"
VECTORS_THERE_ARE = 196


def vectors(kind: str) -> list[dict[str, Any]]:
    if not FOLDER.is_dir():
        pytest.skip("the Merkle vectors are not beside the project: shared/vectors/merkle")
    return [json.loads(path.read_bytes()) for path in sorted((FOLDER / kind).rglob("*.json"))]


def decoded(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def proof_in(vector: dict[str, Any]) -> list[bytes]:
    return [decoded(text) for text in vector["proof"] or []]


def accepts_inclusion(vector: dict[str, Any]) -> bool:
    try:
        verify_inclusion(
            leaf_hash=decoded(vector["leafHash"]),
            index=vector["leafIdx"],
            size=vector["treeSize"],
            root=decoded(vector["root"]),
            proof=proof_in(vector),
        )
    except ProofWrong:
        return False
    return True


def accepts_consistency(vector: dict[str, Any]) -> bool:
    try:
        verify_consistency(
            first=vector["size1"],
            second=vector["size2"],
            first_root=decoded(vector["root1"]),
            second_root=decoded(vector["root2"]),
            proof=proof_in(vector),
        )
    except ProofWrong:
        return False
    return True


def test_every_inclusion_vector_is_judged_as_published() -> None:
    judged = [(accepts_inclusion(v), not v["wantErr"], v["desc"]) for v in vectors("inclusion")]
    assert [judgement for judgement in judged if judgement[0] != judgement[1]] == []
    assert {accepted for accepted, _, _ in judged} == {True, False}


def test_every_consistency_vector_is_judged_as_published() -> None:
    judged = [(accepts_consistency(v), not v["wantErr"], v["desc"]) for v in vectors("consistency")]
    assert [judgement for judgement in judged if judgement[0] != judgement[1]] == []
    assert {accepted for accepted, _, _ in judged} == {True, False}


def test_no_vector_is_left_out() -> None:
    assert len(vectors("inclusion")) + len(vectors("consistency")) == VECTORS_THERE_ARE
