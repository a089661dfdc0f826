"""Can a partner tell from bytes, size or time what it may not know? Ten kinds of persons, mixed.

Five kinds stand behind a live consent and must look alike; five stand behind none and must look
alike too: when a worker is asked of each for the first time, and when it remembers them.
`python -m loadtest.bench.indistinguishable` asks for 10,000 of each five.
"""

import argparse
import asyncio
import http.client
import json
import random
import secrets
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import polars as pl

from api.consents.handles import HandleKeys
from api.consents.machine import GRANTED, PAUSED, REVOKED, ConsentBody, consent_draft
from api.consents.terms import Terms
from api.ledger.enrolment import enrolled_draft
from api.ledger.notice import load_notices
from api.ledger.protocol import EventDraft
from api.ledger.sqlite import ledger_path, open_ledger
from api.signing_keys import load_signing_key
from loadtest.bench.batch import Built, Size, make_snapshot, measure_publish
from loadtest.bench.eligibility import PATH, offer, service_environment, service_token
from loadtest.bench.report import Figure, show
from loadtest.bench.wrk import running
from loadtest.key_set import key_set
from loadtest.synthetic_lake import AS_OF
from scoring.contract.documents import Benefit
from scoring.contract.pseudonyms import snapshot_subject_of
from scoring.contract.snapshot import live_key
from scoring.keys import key_files, read_symmetric_key
from scoring.store.connection import StoreConnection
from scoring.store.embedded import EmbeddedStore

CONSENTED = ("nobody", "waiting", "left", "low", "near")
UNCONSENTED = ("never", "foreign", "revoked", "paused", "expired")
DAY_MS = 86_400_000


class Seen(msgspec.Struct, frozen=True):
    """One answer: what a partner can measure of it."""

    status: int
    text: bytes  # without the decision's and the trace's own id
    size_bytes: int
    seconds: float


def auc(first: Sequence[float], second: Sequence[float]) -> float:
    """Chance that one of `first` is larger than one of `second`; ties count half."""
    ranked = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    rank_sum, index = 0.0, 0
    while index < len(ranked):
        end = index
        while end < len(ranked) and ranked[end][0] == ranked[index][0]:
            end += 1
        middle = (index + 1 + end) / 2
        rank_sum += middle * sum(1 for _, kind in ranked[index:end] if kind == 0)
        index = end
    count = len(first)
    return (rank_sum - count * (count + 1) / 2) / (count * len(second))


def measure_indistinguishable(built: Built, store: EmbeddedStore, each: int) -> list[Figure]:
    """`each`: persons of each kind."""
    handles = asyncio.run(_prepared(built, store, each))
    rounds = dict(zip(("first", "remembered"), _asked(built, store, handles), strict=True))
    groups = {"live consent": CONSENTED, "no live consent": UNCONSENTED}
    return [
        _figure(f"{title}, {when}: {', '.join(kinds)}", {kind: seen[kind] for kind in kinds})
        for title, kinds in groups.items()
        for when, seen in rounds.items()
    ]


def _figure(name: str, seen: Mapping[str, Sequence[Seen]]) -> Figure:
    late = sum(one.status == 503 for ones in seen.values() for one in ones)
    seen = {kind: [one for one in ones if one.status != 503] for kind, ones in seen.items()}
    texts = {(one.status, one.text, one.size_bytes) for kind in seen.values() for one in kind}
    if len(texts) > 1:
        for kind, ones in seen.items():
            print(kind, Counter((one.status, one.text) for one in ones))
    values = []
    for kind, ones in seen.items():
        rest = [one.seconds for other, many in seen.items() if other != kind for one in many]
        values.append(auc([one.seconds for one in ones], rest))
    return Figure(
        name=name,
        value=f"{len(texts)} different answer(s) to {sum(map(len, seen.values())):,} questions; "
        f"AUC on time {min(values):.3f}…{max(values):.3f}; {late} without an answer (503)",
        target="1 answer; AUC 0.45…0.55",
    )


async def _prepared(built: Built, store: EmbeddedStore, each: int) -> dict[str, list[str]]:
    """Handles of each kind, everything about them in ledger and store."""
    partner, benefit = offer()
    people = _people(built, benefit, each)
    keys = HandleKeys(read_symmetric_key(key_files(built.data).snapshot))
    handles: dict[str, list[str]] = {"never": [secrets.token_urlsafe(16) for _ in range(each)]}
    drafts: list[EventDraft] = []
    now_ms = int(time.time() * 1_000)
    notice = load_notices().current(AS_OF)
    for kind in (*CONSENTED, *UNCONSENTED[1:]):
        whose = "city_library" if kind == "foreign" else partner.id
        ends_ms = now_ms - 1 if kind == "expired" else now_ms + 30 * DAY_MS
        handles[kind] = []
        for subject in people[kind]:
            consent_id = uuid.uuid4().hex
            terms = _terms(benefit, whose, now_ms - DAY_MS, ends_ms)
            handles[kind].append(keys.handle_of(whose, consent_id))
            body = ConsentBody(id=consent_id, handle=handles[kind][-1], terms=terms)
            drafts.append(consent_draft(GRANTED, subject, body, now_ms))
            if kind in ("revoked", "paused"):
                step = REVOKED if kind == "revoked" else PAUSED
                drafts.append(consent_draft(step, subject, body, now_ms))
            if kind == "waiting":
                drafts.append(enrolled_draft(subject, notice, uuid.uuid4().hex, now_ms))
    ledger = await open_ledger(ledger_path(built.data))
    try:
        await ledger.append_many(drafts)
    finally:
        await ledger.close()
    _leave(built, store, people["left"])
    return handles


def _people(built: Built, benefit: Benefit, each: int) -> dict[str, list[str]]:
    """Subjects by kind. `low` are the lowest scores, `near` those closest below the threshold,
    `left` had a yes."""
    scores = pl.scan_parquet(built.snapshot / "scores.parquet" / "*.parquet")
    scores = scores.select("subject", "score_points").sort("score_points", "subject").collect()
    below = scores.filter(pl.col("score_points") < benefit.threshold)["subject"]
    above = scores.filter(pl.col("score_points") >= benefit.threshold)["subject"]
    people = {kind: [_stranger() for _ in range(each)] for kind in (*CONSENTED, *UNCONSENTED)}
    records = {"low": below.head(each), "near": below.tail(each), "left": above.tail(each)}
    for kind, subjects in records.items():
        if len(subjects) < each:
            raise SystemExit(f"only {len(subjects)} citizens are {kind}: ask for fewer")
        people[kind] = subjects.to_list()
    return people


def _stranger() -> str:
    return secrets.token_urlsafe(16)


def _leave(built: Built, store: EmbeddedStore, subjects: Sequence[str]) -> None:
    """Their live marks say that they left: the moment before their consents are ended by it."""
    key = read_symmetric_key(key_files(built.data).snapshot)
    with StoreConnection.open(store.url) as connection:
        for subject in subjects:
            named = snapshot_subject_of(key, subject)
            connection.call("SET", live_key(named), "w:999999999")


def _terms(benefit: Benefit, partner: str, start_ms: int, end_ms: int) -> Terms:
    return Terms(
        partner=partner,
        partner_name=benefit.partner_name,
        policy=benefit.id,
        purpose=benefit.purpose,
        scene=benefit.scene,
        what=benefit.what,
        legal_basis=benefit.legal_basis,
        not_before_ms=start_ms,
        expires_at_ms=end_ms,
        max_uses_per_day=100,
        data_life_days=1,
    )


def _asked(
    built: Built, store: EmbeddedStore, handles: Mapping[str, Sequence[str]]
) -> list[dict[str, list[Seen]]]:
    """Every handle twice, in two rounds; kinds mixed at random, one after the other on one
    connection."""
    _, benefit = offer()
    questions = [(kind, handle) for kind, many in handles.items() for handle in many]
    draw = random.Random(7)
    headers = {
        "Authorization": f"Bearer {service_token(built)}",
        "Content-Type": "application/json",
    }
    rounds: list[dict[str, list[Seen]]] = [{kind: [] for kind in handles} for _ in range(2)]
    key = load_signing_key(key_files(built.data).identity)
    with key_set(key) as issuer:
        environment = service_environment(built, store, issuer)
        log = built.data / "indistinguishable.log"
        with running("api.app:from_environment", env=environment, factory=True, log=log) as server:
            time.sleep(2.0 + len(questions) / 20_000)  # consents reach the store
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
            for seen in rounds:
                draw.shuffle(questions)
                for kind, handle in questions:
                    body = msgspec.json.encode(
                        {"policy": benefit.id, "consent": handle, "purpose": benefit.purpose}
                    )
                    seen[kind].append(_one(connection, body, headers))
            connection.close()
    return rounds


def _one(connection: http.client.HTTPConnection, body: bytes, headers: Mapping[str, str]) -> Seen:
    started = time.perf_counter()
    connection.request("POST", PATH, body, dict(headers))
    answer = connection.getresponse()
    text = answer.read()
    seconds = time.perf_counter() - started
    members = json.loads(text)
    for own in ("decision_id", "trace_id"):
        if own in members:
            text = text.replace(members[own].encode(), b"")
    return Seen(answer.status, _without_hour(text), len(text), seconds)


def _without_hour(text: bytes) -> bytes:
    """A run may cross the full hour at which `valid_until` moves on for everybody."""
    start = text.find(b'"valid_until":"')
    return text if start < 0 else text[:start] + text[start + len('"valid_until":"') + 20 :]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=2_000, help="persons of each kind")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chengxin-bench-") as folder:
        size = Size(
            records=200 * options.each, people=60 * options.each, enrolled=45 * options.each
        )
        built, _ = make_snapshot(Path(folder), size)
        with EmbeddedStore(Path(folder) / "store") as store:
            measure_publish(built, store)
            show(measure_indistinguishable(built, store, options.each))


if __name__ == "__main__":
    main()
