"""CPU time of the API process per `GET /v1/me/score`, beside the usual way and the floor."""

import time
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from api.commands.demo.tokens import AUDIENCE
from api.identity.tokens import issue_token
from api.signing_keys import SigningKey, load_signing_key
from loadtest.bench.batch import Built
from loadtest.bench.peer_parts import peer_environment
from loadtest.bench.report import Figure
from loadtest.bench.wrk import Run, load, running
from loadtest.key_set import key_set
from scoring.keys import key_files
from scoring.store.embedded import EmbeddedStore

TOKENS = 2_000
PATH = "/v1/me/score"


SERVERS = {
    "floor": ("loadtest.bench.peers:floor", False),
    "usual": ("loadtest.bench.peers:usual", True),
    "ours": ("api.app:from_environment", True),
}


def measure_score(built: Built, store: EmbeddedStore, seconds: int) -> list[Figure]:
    key = load_signing_key(key_files(built.data).identity)
    tokens = built.data / "tokens.txt"
    with key_set(key) as issuer:
        _write_tokens(built, key, issuer, tokens)
        environment = _environment(built, store, key, issuer)
        runs = {name: _run(name, environment, tokens, seconds) for name in SERVERS}
    ours, usual, floor = runs["ours"], runs["usual"], runs["floor"]
    return [
        Figure(
            name="CPU per GET /v1/me/score",
            value=f"{ours.cpu_us:.1f} µs ({ours.per_second:,.0f}/s, p99 {ours.p99_ms:.0f} ms, {ours.errors} errors)",
            target="≤ 40 µs",
            peer=f"usual Litestar handler {usual.cpu_us:.0f} µs ({usual.errors} errors); bare ASGI constant {floor.cpu_us:.1f} µs",
        )
    ]


def _run(name: str, environment: Mapping[str, str], tokens: Path, seconds: int) -> Run:
    target, is_factory = SERVERS[name]
    log = tokens.with_name(f"{name}.log")
    with running(target, env=environment, factory=is_factory, log=log) as server:
        return load(server, path=PATH, tokens=tokens, seconds=seconds, folder=tokens.parent)


def _environment(
    built: Built, store: EmbeddedStore, key: SigningKey, issuer: str
) -> Mapping[str, str]:
    return {
        "CHENGXIN_DATA_DIR": str(built.data),
        "CHENGXIN_STORE_URL": store.url,
        "CHENGXIN_ISSUER": issuer,
        "CHENGXIN_AUDIENCE": AUDIENCE,
        "CHENGXIN_JWKS_URI": f"{issuer}/jwks.json",
        **peer_environment(built, store, key, issuer),
    }


def _write_tokens(built: Built, key: SigningKey, issuer: str, path: Path) -> None:
    scores = pl.scan_parquet(built.snapshot / "scores.parquet" / "*.parquet")
    subjects = scores.select("subject").head(TOKENS).collect()["subject"]
    now = int(time.time())
    lines = [
        issue_token(
            key,
            issuer=issuer,
            audience=AUDIENCE,
            sub=subject,
            scope="citizen",
            birthdate=None,
            now=now,
            lifetime_seconds=3600,
        )
        for subject in subjects
    ]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
