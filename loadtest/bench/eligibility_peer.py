"""An eligibility check the usual way, for a ratio in the same run.

A Litestar handler as tutorials write it: token verified on each request, redis-py calls one after
the other, one SQLite commit (synchronous = FULL) for each answer. It reads the same consents and
records and gives the same answer; it leaves out the marks of who left, limits and the paced refusal.
"""

import hashlib
import os
import secrets
import sqlite3
import time

import msgspec
from litestar import Litestar, post
from litestar.exceptions import PermissionDeniedException, TooManyRequestsException
from litestar.params import Parameter

from api.consents.codec import ConsentCodec
from api.consents.handles import HandleKeys
from api.partner.policies import city_day_number
from loadtest.bench.peer_parts import PeerParts
from scoring.contract.documents import BenefitsDocument
from scoring.contract.pseudonyms import snapshot_subject_of
from scoring.contract.snapshot import consent_key, uses_key

DAY_SECONDS = 86_400


class Question(msgspec.Struct):
    policy: str
    consent: str
    purpose: str


class Answer(msgspec.Struct):
    eligible: bool
    policy: str
    valid_until: int
    decision_id: str
    snapshot: str


class Log:
    """One line and one commit at a time."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS access"
            " (id INTEGER PRIMARY KEY, at REAL, subject TEXT, partner TEXT, policy TEXT,"
            "  consent TEXT, decision TEXT, digest TEXT, snapshot TEXT)"
        )

    def write(self, *row: object) -> None:
        places = ", ".join("?" * len(row))
        self._connection.execute(f"INSERT INTO access VALUES (NULL, {places})", row)  # noqa: S608 # placeholders only


def usual() -> Litestar:
    """Beside its parts: PEER_BENEFITS and PEER_LOG."""
    parts = PeerParts()
    redis, snapshot_key = parts.redis, parts.snapshot_key
    register = msgspec.json.decode(os.environ["PEER_BENEFITS"].encode(), type=BenefitsDocument)
    benefits = {benefit.id: benefit for benefit in register.items}
    codec = ConsentCodec(
        HandleKeys(snapshot_key), lambda subject: snapshot_subject_of(snapshot_key, subject)
    )
    log = Log(os.environ["PEER_LOG"])

    @post("/v1/eligibility", status_code=200)
    async def eligibility(
        data: Question, authorization: str = Parameter(header="authorization")
    ) -> Answer:
        claims = parts.claims_in(authorization)
        now = time.time()
        value = await redis.get(consent_key(data.consent))
        if value is None:
            raise PermissionDeniedException
        consent = codec.decode(data.consent, value)
        benefit = benefits[data.policy]
        refusal = consent.refusal(
            partner=benefit.partner,
            policy=data.policy,
            purpose=data.purpose,
            now_ms=int(now * 1_000),
        )
        if refusal is not None:
            raise PermissionDeniedException
        counter = uses_key(data.consent, city_day_number(int(now * 1_000)))
        uses = await redis.incr(counter)
        if uses == 1:
            await redis.expire(counter, DAY_SECONDS)
        if uses > consent.max_uses_per_day:
            raise TooManyRequestsException
        record = await parts.record_of(consent.owner.snapshot_subject)
        score = record.score_points if record is not None else -1
        answer = Answer(
            eligible=score >= benefit.threshold,
            policy=data.policy,
            valid_until=int(now) + benefit.answer_valid_days * DAY_SECONDS,
            decision_id=secrets.token_urlsafe(16),
            snapshot=parts.manifest.snapshot,
        )
        digest = hashlib.sha256(msgspec.json.encode(answer)).hexdigest()
        owner, partner = consent.owner.subject, claims["sub"]
        log.write(
            now,
            owner,
            partner,
            data.policy,
            consent.id,
            answer.decision_id,
            digest,
            answer.snapshot,
        )
        return answer

    return Litestar([eligibility], openapi_config=None)
