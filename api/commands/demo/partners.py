"""The demo's partners: keys made at the first start, tokens for trying out, some consents."""

import asyncio
import datetime as dt
import json
import time
import uuid
from pathlib import Path

from api.commands.demo.city import DemoState, persona_residents
from api.commands.demo.handover import DemoConsent, DemoPartner
from api.commands.demo.tokens import AUDIENCE, LIFETIME_SECONDS
from api.ledger.protocol import EventDraft
from api.partner.client_keys import client_keys_file
from api.partner.own_tokens import TokenIssuer
from api.partner.registry import Partner, load_registry
from api.private_file import write_private_file
from api.signing_keys import jwks_of, load_signing_key, make_signing_key_file
from scoring.contract.documents import Benefit
from scoring.keys import key_files, read_symmetric_key

CONSENT_DAYS = 180
USES_PER_DAY = 100
CONSENTING = ("rich", "under", "over", "disputed", "repaired", "expiring")


def private_key_file(data: Path, partner: str) -> Path:
    return data / "keys" / "partners" / f"{partner}.pem"


def make_partner_keys(data: Path) -> None:
    """A private key a partner, which a real one would never hand over, and its public set."""
    for partner in load_registry().by_id:
        private, public = private_key_file(data, partner), client_keys_file(data, partner)
        private.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not private.exists():
            make_signing_key_file(private)
        public.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private_file(public, json.dumps(jwks_of(load_signing_key(private))).encode())


def demo_partners(data: Path, api: str) -> list[DemoPartner]:
    """With a token good for a day; the ones of /oauth/token are good for ten minutes."""
    issuer = TokenIssuer(key_files(data).api_signing, issuer=api, audience=AUDIENCE)
    now = int(time.time())
    return [
        DemoPartner(
            id=partner.id,
            client_id=partner.client_id,
            token=issuer.token(
                partner, frozenset(partner.scopes), now=now, lifetime_seconds=LIFETIME_SECONDS
            ),
            private_key_file=str(private_key_file(data, partner.id)),
            policies=sorted(partner.policies),
            kid=load_signing_key(private_key_file(data, partner.id)).kid,
            token_endpoint=f"{api}/oauth/token",
            assertion_audience=api,
        )
        for partner in load_registry().by_id.values()
    ]


def grant_consents(data: Path, state: DemoState) -> None:
    """Some personas let every partner ask, for half a year; once, at the first start."""
    asyncio.run(_grant(data, state))


async def _grant(data: Path, state: DemoState) -> None:
    from api.consents.machine import GRANTED
    from api.ledger.sqlite import ledger_path, open_ledger

    cast = persona_residents(state, read_symmetric_key(key_files(data).lake))
    ledger = await open_ledger(ledger_path(data))
    try:
        subjects = [cast[persona].subject for persona in CONSENTING]
        if await ledger.subject_events(subjects[0], kinds=[GRANTED], limit=1):
            return
        drafts = [
            _granted(data, subject, partner, benefit)
            for subject in subjects
            for partner, benefit in _offers(state)
        ]
        await ledger.append_many(drafts)
    finally:
        await ledger.close()


def _offers(state: DemoState) -> list[tuple[Partner, Benefit]]:
    from scoring.benefits import benefits_document, load_benefits

    registry = load_registry().by_id
    items = benefits_document(load_benefits(), state.as_of).items
    return [(registry[b.partner], b) for b in items if b.partner in registry and b.status == "live"]


def _granted(data: Path, subject: str, partner: Partner, benefit: Benefit) -> EventDraft:
    from api.consents.handles import HandleKeys
    from api.consents.machine import GRANTED, ConsentBody, consent_draft
    from api.consents.terms import Terms

    now_ms = int(time.time() * 1_000)
    consent_id = uuid.uuid4().hex
    terms = Terms(
        partner=partner.id,
        partner_name=benefit.partner_name,
        policy=benefit.id,
        purpose=benefit.purpose,
        scene=benefit.scene,
        what=benefit.what,
        legal_basis=benefit.legal_basis,
        not_before_ms=now_ms,
        expires_at_ms=now_ms + CONSENT_DAYS * 86_400_000,
        max_uses_per_day=USES_PER_DAY,
        data_life_days=benefit.answer_valid_days,
    )
    keys = HandleKeys(read_symmetric_key(key_files(data).snapshot))
    handle = keys.handle_of(partner.id, consent_id)
    body = ConsentBody(id=consent_id, handle=handle, terms=terms)
    return consent_draft(GRANTED, subject, body, now_ms)


def demo_consents(data: Path, state: DemoState) -> list[DemoConsent]:
    """Those of the personas that are in force."""
    return asyncio.run(_demo_consents(data, state))


async def _demo_consents(data: Path, state: DemoState) -> list[DemoConsent]:
    from api.consents.machine import status_at
    from api.consents.reading import consents_of
    from api.ledger.sqlite import ledger_path, open_ledger

    cast = persona_residents(state, read_symmetric_key(key_files(data).lake))
    now_ms = int(dt.datetime.now(dt.UTC).timestamp() * 1_000)
    ledger = await open_ledger(ledger_path(data))
    try:
        return [
            DemoConsent(
                persona=persona,
                id=consent.id,
                handle=consent.handle,
                partner=consent.terms.partner,
                policy=consent.terms.policy,
                purpose=consent.terms.purpose,
            )
            for persona, who in cast.items()
            for consent in (await consents_of(ledger, who.subject)).values()
            if status_at(consent, now_ms) == "active"
        ]
    finally:
        await ledger.close()
