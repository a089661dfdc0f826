"""Words and examples of the operations on the log's integrity. The examples hold: a log of two
events, signed with a key that is nobody's."""

import datetime as dt

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.ledger.audit.folders import StoredHead
from api.ledger.audit.heads import DEFAULT_ORIGIN, TreeHead, signed_head
from api.ledger.audit.proving import event_proof, linked
from api.ledger.canonical import canonical_bytes
from api.ledger.merkle.hashing import SHA256, TreeHash
from api.ledger.merkle.tree import root
from api.ledger.protocol import Event
from api.openapi.operation_words import OperationWords
from api.public.log import HeadsAnswer, head_answer

_SUBJECT = "Jq0ZxT3mWvY8sKdR5uNbLg"
_AT = dt.datetime(2026, 11, 20, 3, tzinfo=dt.UTC)
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
_PEM = _KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
_EVENTS = [
    Event(
        seq=seq,
        kind="withdrawn",
        stream=f"enrolment:{_SUBJECT}",
        subject=_SUBJECT,
        at_ms=1_790_000_000_000 + seq,
        body=b"{}",
    )
    for seq in (1, 2)
]


class _TwoLeaves:
    """See `merkle.tree.Subtrees`."""

    def __init__(self) -> None:
        self._leaves = [SHA256.leaf(canonical_bytes(event)) for event in _EVENTS]

    @property
    def tree_hash(self) -> TreeHash:
        return SHA256

    @property
    def size(self) -> int:
        return len(self._leaves)

    def node(self, level: int, index: int) -> bytes:
        return SHA256.node(*self._leaves) if level else self._leaves[index]


def _head(size: int) -> StoredHead:
    at = _AT + dt.timedelta(hours=size)
    head = TreeHead(
        origin=DEFAULT_ORIGIN, size=size, root=root(_TREE, size), at=at, tree_hash=SHA256
    )
    return StoredHead(f"{at:%Y%m%dT%H%M%SZ}.head", signed_head(head, _KEY), head)


_TREE = _TwoLeaves()
_FIRST, _SECOND = _head(1), _head(2)

LOG_OPERATIONS: dict[str, OperationWords] = {
    "listLogHeads": OperationWords(
        description="每小时签署一个树头：到那一刻共有多少条记录、它们的 Merkle 树根（RFC 9162）、签名。树头里没有"
        "任何人的信息。留一份旧的，日后就能查出记录是否被改动、删除或调换过。",
        answer=HeadsAnswer(
            items=[head_answer(_SECOND), head_answer(_FIRST)],
            next_cursor=None,
            origin=DEFAULT_ORIGIN,
            public_key=_PEM,
        ),
    ),
    "getLogConsistency": OperationWords(
        description="证明较晚树头的记录以较早树头的记录开头：只增加，没有改动（RFC 9162 2.1.4）。两个数取自树头"
        "列表的 `size`。原样保存，用 `chengxin audit check` 和记录的公钥即可核对，不必联网。",
        answer=linked(_FIRST, _SECOND, _TREE),
    ),
    "getEventProof": OperationWords(
        description="证明您的通知或查询记录中的某一条确实写在已签署的记录里：这一条的原文、散列、通往树根的路径、"
        "签名的树头（RFC 9162 2.1.3）。原样保存，用 `chengxin audit check` 和记录的公钥即可核对，不必联网。"
        "别人的与不存在的，答复相同。",
        answer=event_proof(_EVENTS[0], _SECOND, _TREE),
    ),
}
