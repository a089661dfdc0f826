"""The log's integrity for everybody: signed heads, and proofs that each continues the ones before."""

import datetime as dt
import hashlib
import re
from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from api.access import open_to
from api.answers import Call, answer_of, public_headers
from api.inner import ApiRequest, call_of, response_of
from api.ledger.audit.folders import HEAD_SUFFIX, StoredHead
from api.ledger.audit.proving import ContinuityProof, NotYetSigned
from api.ledger.merkle.hashing import HashName
from api.paging import PAGE_QUERY, limit_in
from api.problems import Problem
from api.services import Services

ETAG_CHARS = 16
MOST_EVENTS = 10**15
HEAD_TIME = re.compile(r"[0-9]{8}T[0-9]{6}Z")


class HeadAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`size`: events it covers, `root_hash`: hex. `signed_head`: what was signed and the signature,
    a note as in c2sp.org/signed-note; the other members only repeat it. `file_name`: under which
    the site has it."""

    at: dt.datetime
    size: int
    root_hash: str
    tree_hash: HashName
    file_name: str
    signed_head: str


class HeadsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first. `public_key`: PEM, null before there is one: compare it with a copy from
    elsewhere before you believe it."""

    items: list[HeadAnswer]
    next_cursor: str | None
    origin: str
    public_key: str | None


def head_answer(stored: StoredHead) -> HeadAnswer:
    return HeadAnswer(
        at=stored.head.at,
        size=stored.head.size,
        root_hash=stored.head.root.hex(),
        tree_hash=stored.head.tree_hash.name,
        file_name=stored.name,
        signed_head=stored.note,
    )


def log_handlers(services: Services, *, max_age_seconds: int) -> list[HTTPRouteHandler]:
    return [
        heads_handler(services, max_age_seconds=max_age_seconds),
        consistency_handler(services, max_age_seconds=max_age_seconds),
    ]


def heads_handler(services: Services, *, max_age_seconds: int) -> HTTPRouteHandler:
    @get(
        "/v1/log/heads",
        operation_id="listLogHeads",
        tags=["public"],
        summary="记录的签名树头",
        opt=open_to(None, cache="public", query=PAGE_QUERY, problems=["ledger_unavailable"]),
    )
    async def heads(
        request: ApiRequest,
        limit: Annotated[int | None, QueryParameter(description="一页几条，至多 100")] = None,
        cursor: Annotated[str | None, QueryParameter(description="上一页的 next_cursor")] = None,
    ) -> Response[HeadsAnswer]:
        call, desk = call_of(request), services.log_desk
        limit = limit_in(call.query)
        found = await desk.heads(limit=limit + 1, before=head_cursor_in(call))
        page = found[:limit]
        is_last = len(found) == len(page)
        answer = HeadsAnswer(
            items=[head_answer(stored) for stored in page],
            next_cursor=None if is_last else page[-1].name.removesuffix(HEAD_SUFFIX),
            origin=desk.origin,
            public_key=await desk.key_text(),
        )
        return public_response(answer, max_age_seconds)

    return heads


def head_cursor_in(call: Call) -> str | None:
    """Raises Problem invalid_parameter."""
    text = call.query.get("cursor")
    if text is not None and not HEAD_TIME.fullmatch(text):
        raise Problem("invalid_parameter")
    return text


def consistency_handler(services: Services, *, max_age_seconds: int) -> HTTPRouteHandler:
    @get(
        "/v1/log/consistency",
        operation_id="getLogConsistency",
        tags=["public"],
        summary="两个树头之间的一致性证明",
        opt=open_to(
            None,
            cache="public",
            query=("from", "to"),
            problems=["head_not_found", "ledger_unavailable"],
        ),
    )
    async def consistency(
        request: ApiRequest,
        first: Annotated[
            int,
            QueryParameter(name="from", description="较早树头的 size", ge=1, le=MOST_EVENTS),
        ],
        second: Annotated[
            int, QueryParameter(name="to", description="较晚树头的 size", ge=1, le=MOST_EVENTS)
        ],
    ) -> Response[ContinuityProof]:
        query = call_of(request).query
        # In any order: the proof's own heads say which of them is the earlier one.
        first, second = sorted(size_in(query.get(name)) for name in ("from", "to"))
        try:
            proof = await services.log_desk.continuity(first, second)
        except NotYetSigned as error:
            raise Problem("head_not_found") from error
        return public_response(proof, max_age_seconds)

    return consistency


def size_in(text: str | None) -> int:
    """Raises Problem invalid_parameter for anything but a size a head can prove from."""
    if text is None or not (text.isascii() and text.isdecimal() and len(text) <= 16):
        raise Problem("invalid_parameter")
    size = int(text)
    if not 1 <= size <= MOST_EVENTS:
        raise Problem("invalid_parameter")
    return size


def public_response(answer: Any, max_age_seconds: int) -> Response[Any]:
    body = msgspec.json.encode(answer)
    etag = hashlib.sha256(body).hexdigest()[:ETAG_CHARS]
    return response_of(answer_of(200, public_headers(etag, max_age_seconds), body))
