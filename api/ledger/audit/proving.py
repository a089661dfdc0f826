"""Proofs that a person can keep and check: that an event stands in the signed log, and that one
signed log continues another."""

import base64
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from api.ledger.audit.folders import (
    StoredHead,
    heads_folder,
    newest_head,
    stored_heads,
    tree_folder,
)
from api.ledger.audit.hash_files import HashFiles
from api.ledger.audit.heads import DEFAULT_ORIGIN, TreeHead, verify_head
from api.ledger.canonical import canonical_bytes, event_in
from api.ledger.merkle.tree import Subtrees, consistency_proof, inclusion_proof
from api.ledger.merkle.verifying import ProofWrong, verify_consistency, verify_inclusion
from api.ledger.protocol import Event


class NotYetSigned(Exception):
    """No head covers it; one is signed each hour."""


class EventProof(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="chengxin-event-proof-1"
):
    """`event`: canonical bytes, `leaf_hash`, `path`: hashes, all base64; `leaf_index`: seq less one;
    `head`: the signed note."""

    seq: int
    event: str
    leaf_index: int
    leaf_hash: str
    path: list[str]
    head: str


class ContinuityProof(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="chengxin-continuity-proof-1"
):
    """`path`: hashes in base64; `first_head`, `second_head`: signed notes."""

    first_head: str
    second_head: str
    path: list[str]


Proof = EventProof | ContinuityProof


def prove_event(
    data: Path, event: Event, key: Ed25519PublicKey, *, origin: str = DEFAULT_ORIGIN
) -> EventProof:
    """Under the newest head. Reads about twenty hashes; blocks. Raises NotYetSigned, HeadWrong."""
    newest = newest_head(heads_folder(data), key, origin)
    if newest is None or newest.head.size < event.seq:
        raise NotYetSigned
    with HashFiles(tree_folder(data), newest.head.tree_hash) as kept:
        return event_proof(event, newest, kept)


def event_proof(event: Event, under: StoredHead, kept: Subtrees) -> EventProof:
    """`under`: a head that covers the event. Raises ProofRefused."""
    data = canonical_bytes(event)
    return EventProof(
        seq=event.seq,
        event=_text(data),
        leaf_index=event.seq - 1,
        leaf_hash=_text(kept.tree_hash.leaf(data)),
        path=[_text(h) for h in inclusion_proof(kept, event.seq - 1, under.head.size)],
        head=under.note,
    )


def prove_continuity(
    data: Path,
    first_size: int,
    second_size: int,
    key: Ed25519PublicKey,
    *,
    origin: str = DEFAULT_ORIGIN,
) -> ContinuityProof:
    """Between the heads of these sizes. Raises NotYetSigned where there is no such head,
    HeadWrong, ProofRefused."""
    heads = {stored.head.size: stored for stored in stored_heads(heads_folder(data), key, origin)}
    first, second = _of_size(heads, first_size), _of_size(heads, second_size)
    with HashFiles(tree_folder(data), second.head.tree_hash) as kept:
        return linked(first, second, kept)


def linked(first: StoredHead, second: StoredHead, kept: Subtrees) -> ContinuityProof:
    """Raises ProofRefused."""
    path = consistency_proof(kept, first.head.size, second.head.size)
    return ContinuityProof(
        first_head=first.note, second_head=second.note, path=[_text(h) for h in path]
    )


def _of_size(heads: dict[int, StoredHead], size: int) -> StoredHead:
    if size not in heads:
        raise NotYetSigned(f"no head was signed at {size} events")
    return heads[size]


def verify_event_proof(
    proof: EventProof, key: Ed25519PublicKey, *, origin: str = DEFAULT_ORIGIN
) -> tuple[Event, TreeHead]:
    """What was proved: needs nothing but the proof and the city's public key. Raises ProofWrong,
    HeadWrong."""
    head = verify_head(proof.head, key, origin)
    data = _bytes(proof.event)
    try:
        event = event_in(data)
    except ValueError:
        raise ProofWrong("these bytes are no event's") from None
    leaf_hash = head.tree_hash.leaf(data)
    if (proof.seq, proof.leaf_index) != (event.seq, event.seq - 1):
        raise ProofWrong("the proof is of another event")
    if _bytes(proof.leaf_hash) != leaf_hash:
        raise ProofWrong("the leaf hash is not that of the event")
    verify_inclusion(
        leaf_hash=leaf_hash,
        index=event.seq - 1,
        size=head.size,
        root=head.root,
        proof=[_bytes(h) for h in proof.path],
        tree_hash=head.tree_hash,
    )
    return event, head


def verify_continuity_proof(
    proof: ContinuityProof, key: Ed25519PublicKey, *, origin: str = DEFAULT_ORIGIN
) -> tuple[TreeHead, TreeHead]:
    """Raises ProofWrong, HeadWrong."""
    first = verify_head(proof.first_head, key, origin)
    second = verify_head(proof.second_head, key, origin)
    if first.tree_hash != second.tree_hash:
        raise ProofWrong("the heads are of different hash functions")
    verify_consistency(
        first=first.size,
        second=second.size,
        first_root=first.root,
        second_root=second.root,
        proof=[_bytes(h) for h in proof.path],
        tree_hash=first.tree_hash,
    )
    return first, second


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ProofWrong("not base64") from None
