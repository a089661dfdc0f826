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

import jwt
import msgspec
from litestar import Litestar, post
from litestar.exceptions import (
    NotAuthorizedException,
    PermissionDeniedException,
    TooManyRequestsException,
)
from litestar.params import Parameter
from redis.asyncio import Redis

from api.consents.codec import ConsentCodec
from api.consents.handles import HandleKeys
from api.partner.policies import city_day_number
from scoring.contract.documents import BenefitsDocument
from scoring.contract.pseudonyms import parse_key, snapshot_subject_of
from scoring.contract.snapshot import (
    Manifest,
    bucket_of,
    consent_key,
    decode_hot,
    field_of,
    hot_key,
    tag_of,
    uses_key,
)

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
    """Settings: PEER_JWK, PEER_SNAPSHOT_KEY, PEER_STORE_SOCKET, PEER_MANIFEST, PEER_BENEFITS,
    PEER_LOG, PEER_AUDIENCE, PEER_ISSUER."""
    public_key = jwt.PyJWK.from_json(os.environ["PEER_JWK"]).key
    snapshot_key = parse_key(os.environ["PEER_SNAPSHOT_KEY"])
    redis = Redis(unix_socket_path=os.environ["PEER_STORE_SOCKET"], protocol=2)
    manifest = msgspec.json.decode(os.environ["PEER_MANIFEST"].encode(), type=Manifest)
    register = msgspec.json.decode(os.environ["PEER_BENEFITS"].encode(), type=BenefitsDocument)
    benefits = {benefit.id: benefit for benefit in register.items}
    audience, issuer = os.environ["PEER_AUDIENCE"], os.environ["PEER_ISSUER"]
    codec = ConsentCodec(
        HandleKeys(snapshot_key), lambda subject: snapshot_subject_of(snapshot_key, subject)
    )
    log = Log(os.environ["PEER_LOG"])

    @post("/v1/eligibility", status_code=200)
    async def eligibility(
        data: Question, authorization: str = Parameter(header="authorization")
    ) -> Answer:
        try:
            claims = jwt.decode(
                authorization.removeprefix("Bearer "),
                public_key,
                algorithms=["ES256"],
                audience=audience,
                issuer=issuer,
            )
        except jwt.PyJWTError as error:
            raise NotAuthorizedException from error
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
        subject = consent.owner.snapshot_subject
        key = hot_key(manifest.snapshot, bucket_of(subject, manifest.bucket_count))
        record = await redis.hget(key, field_of(subject))  # type: ignore[misc]
        score = decode_hot(record, tag_of(subject)).score_points if record is not None else -1
        answer = Answer(
            eligible=score >= benefit.threshold,
            policy=data.policy,
            valid_until=int(now) + benefit.answer_valid_days * DAY_SECONDS,
            decision_id=secrets.token_urlsafe(16),
            snapshot=manifest.snapshot,
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
