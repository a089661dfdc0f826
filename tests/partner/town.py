"""A small town on a real store and ledger, its partners' keys, and what they would send."""

import asyncio
import json
import secrets
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import jwt
import msgspec

from api.commands.demo.lasting import lasting_register
from api.consents.handles import HandleKeys
from api.consents.machine import GRANTED, ConsentBody, consent_draft
from api.consents.terms import Terms
from api.ledger.enrolment import enrolled_draft
from api.ledger.notice import load_notices
from api.partner.client_keys import client_keys_file
from api.partner.registry import Partner, load_registry
from api.signing_keys import SigningKey, jwks_of, make_signing_key
from api.store.reader import BeforeServing, ValkeyReader
from scoring.benefits import benefits_document
from scoring.contract.documents import Benefit
from scoring.contract.pseudonyms import snapshot_subject_of
from scoring.contract.snapshot import documents_key
from scoring.publish.publish import publish
from scoring.store.connection import StoreConnection
from scoring.store.embedded import EmbeddedStore
from tests.api.city import City
from tests.api.service import Reply, Service, service_of
from tests.support.snapshots import AS_OF, PUBLIC_KEY, SNAPSHOT_KEY, write_snapshot
from tests.support.waiting import LONG_SECONDS

ISSUER = "https://chengxin.example"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
REGISTER = {benefit.id: benefit for benefit in benefits_document(lasting_register(), AS_OF).items}
LIBRARY, BUS, BANK = "city_library", "city_bus", "harbour_bank"
POLICY_OF = {benefit.partner: benefit for benefit in REGISTER.values()}


def subject_of(kind: str, number: int = 0) -> str:
    return f"{kind}{number:x}".ljust(22, "-")[:22]


def scores_of(people: int) -> Mapping[str, int]:
    """`over…` are above every threshold, `under…` below every one."""
    return {
        **{subject_of("over", n): 860 for n in range(people)},
        **{subject_of("under", n): 500 for n in range(people)},
    }


class Town:
    def __init__(
        self,
        service: Service,
        folder: Path,
        keys: Mapping[str, SigningKey],
        reader: ValkeyReader,
    ) -> None:
        self.service = service
        self.reader = reader
        self.folder = folder
        self.keys = keys
        self.partners: Mapping[str, Partner] = load_registry().by_id
        self._handles = HandleKeys(SNAPSHOT_KEY)

    # partners

    def assertion(
        self, partner: str = LIBRARY, *, key: SigningKey | None = None, **changes: Any
    ) -> str:
        now = int(time.time())
        client = self.partners[partner].client_id
        claims = {"iss": client, "sub": client, "aud": ISSUER, "iat": now, "exp": now + 120}
        claims |= {"jti": secrets.token_urlsafe(16), **changes}
        header = changes.pop("header", {})
        claims.pop("header", None)
        key = key or self.keys[partner]
        head = {"kid": key.kid, "typ": "client-authentication+jwt", **header}
        head = {name: value for name, value in head.items() if value is not ...}
        payload = {name: value for name, value in claims.items() if value is not ...}
        return jwt.encode(payload, key.private_key, algorithm="ES256", headers=head)

    def ask_token(self, assertion: str, **changes: str) -> Reply:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            **changes,
        }
        return self.post_form("&".join(f"{k}={_quoted(v)}" for k, v in form.items()))

    def post_form(self, body: str | bytes, **headers: str) -> Reply:
        data = body.encode() if isinstance(body, str) else body
        headers = {"content-type": "application/x-www-form-urlencoded", **headers}
        return self.service.ask("POST", "/oauth/token", None, headers, [data])

    def token(self, partner: str = LIBRARY, **changes: str) -> str:
        reply = self.ask_token(self.assertion(partner), **changes)
        assert reply.status == 200, reply.body
        return str(reply.json()["access_token"])

    # citizens

    def enrol(self, *subjects: str) -> None:
        notice = load_notices().current(AS_OF)
        now = int(time.time() * 1_000)
        drafts = [enrolled_draft(s, notice, secrets.token_hex(16), now) for s in subjects]
        self.service.run(self.service.ledger.append_many(drafts))

    def consents(
        self, subjects: Sequence[str], partner: str = LIBRARY, **changes: Any
    ) -> list[str]:
        """Handles, as if each had just consented, whether enrolled or not; in effect."""
        benefit = POLICY_OF[partner]
        now = int(time.time() * 1_000)
        drafts, handles = [], []
        for subject in subjects:
            consent_id = uuid.uuid4().hex
            handles.append(self._handles.handle_of(partner, consent_id))
            terms = terms_of(benefit, now, **changes)
            body = ConsentBody(id=consent_id, handle=handles[-1], terms=terms)
            drafts.append(consent_draft(GRANTED, subject, body, now))
        self.service.run(self.service.ledger.append_many(drafts))
        self.wait_for(handles[-1], partner)
        return handles

    def wait_for(self, handle: str, partner: str) -> None:
        token = self.token(partner)
        deadline = time.monotonic() + LONG_SECONDS
        while self.service.get(f"/v1/partner/consents/{handle}", token).status != 200:
            assert time.monotonic() < deadline
            self.service.run(_a_moment())

    # questions

    def ask(self, handle: str, token: str, partner: str = LIBRARY, **changes: Any) -> Reply:
        return self.service.post("/v1/eligibility", question(handle, partner, **changes), token)


async def _a_moment() -> None:
    await asyncio.sleep(0.02)


def question(handle: str, partner: str = LIBRARY, **changes: Any) -> dict[str, Any]:
    benefit = POLICY_OF[partner]
    asked = {"policy": benefit.id, "consent": handle, "purpose": benefit.purpose, **changes}
    return {name: value for name, value in asked.items() if value is not ...}


def terms_of(benefit: Benefit, now_ms: int, **changes: Any) -> Terms:
    members: dict[str, Any] = {
        "partner": benefit.partner,
        "partner_name": benefit.partner_name,
        "policy": benefit.id,
        "purpose": benefit.purpose,
        "scene": benefit.scene,
        "what": benefit.what,
        "legal_basis": benefit.legal_basis,
        "not_before_ms": now_ms - 1_000,
        "expires_at_ms": now_ms + 90 * 86_400_000,
        "max_uses_per_day": 100,
        "data_life_days": 1,
        **changes,
    }
    return Terms(**members)


def publish_town(folder: Path, store: EmbeddedStore, scores: Mapping[str, int]) -> str:
    """A snapshot of these scores with the register of benefits; its id."""
    snapshot = "20260115-00000001"
    citizens = {snapshot_subject_of(SNAPSHOT_KEY, s): (points, []) for s, points in scores.items()}
    made = write_snapshot(folder / "snapshots", snapshot, citizens)
    benefits = msgspec.json.encode(benefits_document(lasting_register(), AS_OF))
    with StoreConnection.open(store.url) as connection:
        publish(made, connection, PUBLIC_KEY)
        connection.call("HSET", documents_key(snapshot), "benefits", benefits)
    return snapshot


def write_client_keys(folder: Path, partner: str, *keys: SigningKey) -> None:
    path = client_keys_file(folder, partner)
    path.parent.mkdir(exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(jwks_of(*keys)))
    partial.rename(path)


@contextmanager
def town_in(
    folder: Path,
    store: EmbeddedStore,
    *,
    people: int = 40,
    keys: Mapping[str, SigningKey] | None = None,
    **settings: Any,
) -> Iterator[Town]:
    """`keys`: of a town that was here before. `settings`: see service_of."""
    publish_town(folder, store, scores_of(people))
    keys = keys or {partner: make_signing_key() for partner in (LIBRARY, BUS, BANK)}
    for partner, key in keys.items():
        write_client_keys(folder, partner, key)
    readers: list[ValkeyReader] = []

    def make_reader(replay: BeforeServing) -> ValkeyReader:
        readers.append(ValkeyReader(store.url, before_serving=replay))
        return readers[0]

    with service_of(City(), folder, make_reader=make_reader, **settings) as service:
        yield Town(service, folder, keys, readers[0])


def _quoted(value: str) -> str:
    return quote_plus(value)
