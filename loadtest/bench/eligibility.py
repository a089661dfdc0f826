"""`POST /v1/eligibility` with consent check and durable log line, on one core, 64 connections."""

import asyncio
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import polars as pl

from api.commands.demo.lasting import lasting_register
from api.commands.demo.tokens import AUDIENCE
from api.consents.codec import ConsentCodec
from api.consents.handles import HandleKeys
from api.consents.machine import GRANTED, Consent, ConsentBody, consent_draft
from api.consents.terms import Terms
from api.ledger.sqlite import ledger_path, open_ledger
from api.partner.own_tokens import TokenIssuer
from api.partner.registry import REGISTRY_PATH, Partner, load_registry
from api.signing_keys import load_signing_key
from loadtest.bench.batch import Built
from loadtest.bench.peer_parts import peer_environment
from loadtest.bench.report import Figure
from loadtest.bench.wrk import Run, load, running
from loadtest.key_set import key_set
from loadtest.synthetic_lake import AS_OF
from scoring.benefits import benefits_document
from scoring.contract.documents import Benefit
from scoring.contract.pseudonyms import snapshot_subject_of
from scoring.contract.snapshot import consent_key
from scoring.keys import key_files, read_symmetric_key
from scoring.store.connection import StoreConnection
from scoring.store.embedded import EmbeddedStore

PARTNER = "city_bus"
CONSENTS = 2_500  # each may be used a hundred times a day: enough for twenty seconds
PATH = "/v1/eligibility"
API_ISSUER = "https://chengxin.example"

# A line of the file is the body of a request; the token is one partner's.
_SCRIPT = """
local bodies = {}
for line in io.lines("%s") do bodies[#bodies + 1] = line end
local n = math.random(#bodies)
local headers = {["Authorization"] = "Bearer %s", ["Content-Type"] = "application/json"}
request = function()
  n = n %% #bodies + 1
  return wrk.format("POST", "/v1/eligibility", headers, bodies[n])
end
"""


def measure_eligibility(built: Built, store: EmbeddedStore, seconds: int) -> list[Figure]:
    """Appends consents to the ledger of `built`, and a line for each answer."""
    run, lines, answers = run_eligibility(built, store, seconds)
    peer = run_peer(built, store, seconds)
    return [
        Figure(
            name="POST /v1/eligibility, line durable",
            value=f"{run.per_second:,.0f}/s, p99 {run.p99_ms:.0f} ms, {run.cpu_us:.0f} µs CPU"
            f" ({run.errors} errors; {lines:,} lines for {answers:,} answers)",
            target="≥ 8,000/s on one core, p99 ≤ 20 ms",
            peer=f"usual Litestar handler, a commit for each answer: {peer.per_second:,.0f}/s,"
            f" p99 {peer.p99_ms:.0f} ms, {peer.cpu_us:.0f} µs CPU ({peer.errors} errors)",
        )
    ]


def run_eligibility(built: Built, store: EmbeddedStore, seconds: int) -> tuple[Run, int, int]:
    """The run, the access lines in the ledger after it, and the answers wrk counted in it."""
    partner, benefit = offer()
    consents = consents_of(built, partner, benefit)
    asyncio.run(grant(built, consents))
    folder = built.data
    bodies = folder / "questions.txt"
    _write_questions(bodies, benefit, [consent.handle for consent in consents])
    key = load_signing_key(key_files(folder).identity)
    with key_set(key) as issuer:
        environment = service_environment(built, store, issuer)
        script = _SCRIPT % (bodies, service_token(built))
        log = folder / "eligibility.log"
        with running("api.app:from_environment", env=environment, factory=True, log=log) as server:
            time.sleep(1.0)  # consents reach the store
            run = load(server, path=PATH, script=script, seconds=seconds, folder=folder)
    return run, asyncio.run(_lines(built)), run.requests


def run_peer(built: Built, store: EmbeddedStore, seconds: int) -> Run:
    """The same questions, about consents of its own: those of the run before are used up."""
    partner, benefit = offer()
    consents = consents_of(built, partner, benefit)
    bodies = built.data / "peer-questions.txt"
    _write_questions(bodies, benefit, [consent.handle for consent in consents])
    _put(built, store, consents)
    script = _SCRIPT % (bodies, service_token(built))
    with running(
        "loadtest.bench.eligibility_peer:usual",
        env=_peer_environment(built, store),
        factory=True,
        log=built.data / "peer.log",
    ) as server:
        return load(server, path=PATH, script=script, seconds=seconds, folder=built.data)


def _peer_environment(built: Built, store: EmbeddedStore) -> Mapping[str, str]:
    key = load_signing_key(key_files(built.data).api_signing)
    return {
        **peer_environment(built, store, key, API_ISSUER),
        "PEER_BENEFITS": msgspec.json.encode(benefits_document(lasting_register(), AS_OF)).decode(),
        "PEER_LOG": str(built.data / "peer.sqlite"),
    }


def offer() -> tuple[Partner, Benefit]:
    partner = load_registry().by_id[PARTNER]
    items = benefits_document(lasting_register(), AS_OF).items
    return partner, next(benefit for benefit in items if benefit.partner == PARTNER)


def consents_of(built: Built, partner: Partner, benefit: Benefit) -> list[Consent]:
    """Just given, by the first citizens of the snapshot."""
    scores = pl.scan_parquet(built.snapshot / "scores.parquet" / "*.parquet")
    subjects = scores.select("subject").head(CONSENTS).collect()["subject"].to_list()
    now_ms = int(time.time() * 1_000)
    keys = HandleKeys(read_symmetric_key(key_files(built.data).snapshot))
    terms = Terms(
        partner=partner.id,
        partner_name=benefit.partner_name,
        policy=benefit.id,
        purpose=benefit.purpose,
        scene=benefit.scene,
        what=benefit.what,
        legal_basis=benefit.legal_basis,
        not_before_ms=now_ms,
        expires_at_ms=now_ms + 30 * 86_400_000,
        max_uses_per_day=100,
        data_life_days=1,
    )
    ids = {uuid.uuid4().hex: subject for subject in subjects}
    return [
        Consent(
            id=consent_id,
            handle=keys.handle_of(partner.id, consent_id),
            subject=subject,
            terms=terms,
            status="active",
            granted_at_ms=now_ms,
            changed_at_ms=now_ms,
            changed_by="citizen",
            seq=1,
            stream_seq=1,
        )
        for consent_id, subject in ids.items()
    ]


async def grant(built: Built, consents: Sequence[Consent]) -> None:
    drafts = [
        consent_draft(
            GRANTED,
            consent.subject,
            ConsentBody(id=consent.id, handle=consent.handle, terms=consent.terms),
            consent.granted_at_ms,
        )
        for consent in consents
    ]
    ledger = await open_ledger(ledger_path(built.data))
    try:
        await ledger.append_many(drafts)
    finally:
        await ledger.close()


def _put(built: Built, store: EmbeddedStore, consents: Sequence[Consent]) -> None:
    """Into the store alone: the peer follows no ledger."""
    key = read_symmetric_key(key_files(built.data).snapshot)
    codec = ConsentCodec(HandleKeys(key), lambda subject: snapshot_subject_of(key, subject))
    with StoreConnection.open(store.url) as connection:
        for consent in consents:
            connection.call("SET", consent_key(consent.handle), codec.encode(consent))


def _write_questions(path: Path, benefit: Benefit, handles: Sequence[str]) -> None:
    lines = (
        msgspec.json.encode({"policy": benefit.id, "consent": h, "purpose": benefit.purpose})
        for h in handles
    )
    path.write_bytes(b"\n".join(lines) + b"\n")


def service_token(built: Built) -> str:
    issuer = TokenIssuer(key_files(built.data).api_signing, issuer=API_ISSUER, audience=AUDIENCE)
    partner, _ = offer()
    scopes = frozenset(partner.scopes)
    return issuer.token(partner, scopes, now=int(time.time()), lifetime_seconds=3_600)


def service_environment(built: Built, store: EmbeddedStore, issuer: str) -> Mapping[str, str]:
    """The registry with a quota that does not end the run."""
    registry = built.data / "partners.toml"
    text = REGISTRY_PATH.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^requests_per_minute = .*$", "requests_per_minute = 10_000_000", text)
    registry.write_text(text, encoding="utf-8")
    return {
        "CHENGXIN_DATA_DIR": str(built.data),
        "CHENGXIN_STORE_URL": store.url,
        "CHENGXIN_ISSUER": issuer,
        "CHENGXIN_AUDIENCE": AUDIENCE,
        "CHENGXIN_JWKS_URI": f"{issuer}/jwks.json",
        "CHENGXIN_API_ISSUER": API_ISSUER,
        "CHENGXIN_PARTNERS_FILE": str(registry),
    }


async def _lines(built: Built) -> int:
    """Access lines in the ledger."""
    ledger = await open_ledger(ledger_path(built.data))
    try:
        after = total = 0
        while page := await ledger.events_after(after, kinds=["accessed"], limit=2_000):
            total += len(page)
            after = page[-1].seq
        return total
    finally:
        await ledger.close()
