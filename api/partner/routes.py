"""POST /v1/eligibility and /v1/eligibility/batch: questions in, answers out."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from api.access import open_to
from api.answers import (
    API_POLICY,
    JSON_HEADER,
    NEVER_CACHED,
    SAFETY_HEADERS,
    Answer,
    Call,
    Direct,
    Header,
)
from api.idempotency import idempotency_of
from api.inner import ApiRequest, call_of, response_of
from api.limits import Limits
from api.partner.decision import EligibilityAnswer
from api.partner.eligibility import Eligibility
from api.partner.kept import KeptRefusal
from api.partner.once import Once
from api.partner.policies import Question
from api.partner.registry import ELIGIBILITY_SCOPE, Partner, Registry
from api.problems import Problem
from api.store.protocol import Version
from api.strict_json import NotStrictJson, strict_json

MOST_QUESTIONS = 500
AT_ONCE = 100  # some 20 ms of a core
# Names of 64 characters, a handle, and white space; twice what a real one needs.
BATCH_BODY_BYTES = 262_144
HEADERS: list[Header] = [JSON_HEADER, NEVER_CACHED, API_POLICY, *SAFETY_HEADERS]
ONCE_PROBLEMS = ["invalid_idempotency_key", "request_in_progress", "idempotency_conflict"]
PROBLEMS = [
    *ONCE_PROBLEMS,
    "purpose_unknown",
    "policy_not_yours",
    "purpose_mismatch",
    "consent_mismatch",
    "consent_revoked",
    "policy_not_found",
    "policy_not_open",
    "frequency_exceeded",
    "record_corrupt",
    "store_unavailable",
    "ledger_unavailable",
]
# Quotes of a question's three members: with fewer strings none can stand there twice.
_QUOTES = 12


class BatchRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    items: Annotated[list[Question], msgspec.Meta(min_length=1, max_length=MOST_QUESTIONS)]


class BatchItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Either the members of an answer, or `code` and `status` as the question alone would have
    got; the others are left out."""

    eligible: bool | None = None
    policy: str | None = None
    valid_until: dt.datetime | None = None
    decision_id: str | None = None
    snapshot: str | None = None
    code: Annotated[str, msgspec.Meta(max_length=64, pattern="^[a-z_]+$")] | None = None
    status: Annotated[int, msgspec.Meta(ge=400, le=429)] | None = None


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """In the order of the questions."""

    items: Annotated[list[BatchItem], msgspec.Meta(max_length=MOST_QUESTIONS)]
    next_cursor: None = None


_question = msgspec.json.Decoder(Question)
_batch = msgspec.json.Decoder(BatchRequest)


def question_of(body: bytes) -> Question:
    """Raises Problem malformed_body, invalid_body."""
    is_plain = body.isascii() and b"\\" not in body and body.count(b'"') == _QUOTES
    if not is_plain:
        _require_strict(body)
    try:
        return _question.decode(body)
    except msgspec.ValidationError:
        raise Problem("invalid_body") from None
    except (msgspec.DecodeError, RecursionError):
        _require_strict(body)
        raise Problem("malformed_body") from None


def _require_strict(body: bytes) -> None:
    try:
        strict_json(body)
    except NotStrictJson:
        raise Problem("malformed_body") from None


def _batch_of(body: bytes) -> BatchRequest:
    _require_strict(body)
    try:
        return _batch.decode(body)
    except msgspec.ValidationError:
        raise Problem("invalid_body") from None


class EligibilityRoute:
    def __init__(
        self, eligibility: Eligibility, once: Once, registry: Registry, limits: Limits
    ) -> None:
        self._eligibility = eligibility
        self._once = once
        self._registry = registry
        self._limits = limits

    async def __call__(self, call: Call) -> Answer:
        """Raises Problem, StoreDown, LedgerUnavailable, IdempotencyConflict."""
        question = question_of(call.body)
        partner = self._partner(call)
        asked = idempotency_of(call.headers, question)
        if asked is None:
            body = await self._eligibility.answer(partner, question)
        else:
            body = await self._once.answer(partner, question, asked)
        return self._answered(call, body)

    async def batch(self, call: Call) -> Answer:
        """Each question as if it had come alone; but where one cannot be answered for a reason of
        ours, none is."""
        request = _batch_of(call.body)
        questions = request.items
        if (more := len(questions) - 1) and (allowance := call.allowance) is not None:
            if more >= allowance.quota.requests:
                raise Problem("body_too_large")
            if not await allowance.take(more):
                raise self._limits.refusal(allowance)
        partner = self._partner(call)
        asked = idempotency_of(call.headers, request)
        if asked is None:
            found = await self._each(partner, questions)
        else:
            found = await self._once.batch(partner, questions, asked)
        answers = [_refused(one) if isinstance(one, KeptRefusal) else one for one in found]
        return self._answered(call, b'{"items":[%b],"next_cursor":null}' % b",".join(answers))

    async def _each(
        self, partner: Partner, questions: Sequence[Question]
    ) -> list[bytes | KeptRefusal]:
        """A part of them at a time: each has its own budget, and the last of five hundred would
        have spent it waiting for the first."""
        found: list[bytes | KeptRefusal] = []
        version = self._eligibility.version()
        for start in range(0, len(questions), AT_ONCE):
            part = questions[start : start + AT_ONCE]
            found += await asyncio.gather(*(self._one(partner, one, version) for one in part))
        return found

    async def _one(
        self, partner: Partner, question: Question, version: Version
    ) -> bytes | KeptRefusal:
        try:
            return await self._eligibility.answer(partner, question, version)
        except Problem as problem:
            if problem.kind.status >= 500:
                raise
            return KeptRefusal(code=problem.code, status=problem.kind.status)

    def _partner(self, call: Call) -> Partner:
        partner = self._registry.by_id.get(call.caller.partner or "")
        if partner is None:
            raise Problem("scope_missing")
        return partner

    def _answered(self, call: Call, body: bytes) -> Answer:
        headers = [*HEADERS, (b"content-length", b"%d" % len(body))]
        if call.allowance is not None:
            headers += self._limits.headers(call.allowance)
        return Answer(200, headers, body)


def _refused(one: KeptRefusal) -> bytes:
    return msgspec.json.encode(BatchItem(code=one.code, status=one.status))


def eligibility_handlers(one: Direct, batch: Direct) -> list[HTTPRouteHandler]:
    @post(
        "/v1/eligibility",
        operation_id="checkEligibility",
        tags=["partner"],
        summary="能否享受某项守信激励",
        status_code=200,
        opt=open_to(ELIGIBILITY_SCOPE, body="json", audit="logged", problems=PROBLEMS),
    )
    async def eligibility(
        request: ApiRequest, data: JSONBody[Question]
    ) -> Response[EligibilityAnswer]:
        return response_of(await one(call_of(request)))

    @post(
        "/v1/eligibility/batch",
        operation_id="checkEligibilityBatch",
        tags=["partner"],
        summary="一次询问多项",
        status_code=200,
        opt=open_to(
            ELIGIBILITY_SCOPE,
            body="json",
            body_limit_bytes=BATCH_BODY_BYTES,
            audit="logged",
            problems=[
                *ONCE_PROBLEMS,
                "record_corrupt",
                "store_unavailable",
                "ledger_unavailable",
            ],
        ),
    )
    async def eligibility_batch(
        request: ApiRequest, data: JSONBody[BatchRequest]
    ) -> Response[BatchAnswer]:
        return response_of(await batch(call_of(request)))

    return [eligibility, eligibility_batch]
