"""Tokens as the demo's provider would issue them, made with its key: for demo.json and load tests."""

import datetime as dt
import time
from functools import cache
from pathlib import Path

from api.commands.demo.handover import DemoDocument
from api.identity.tokens import issue_token
from api.signing_keys import SigningKey, load_signing_key

AUDIENCE = "https://chengxin.example/api"
LIFETIME_SECONDS = 86_400  # a day of trying things out; a log-in gives far shorter ones


@cache
def _key(path: str) -> SigningKey:
    return load_signing_key(Path(path))


def token(
    key_file: Path, *, issuer: str, sub: str, scope: str, birthdate: dt.date | None = None
) -> str:
    return issue_token(
        _key(str(key_file)),
        issuer=issuer,
        audience=AUDIENCE,
        sub=sub,
        scope=scope,
        birthdate=birthdate,
        now=int(time.time()),
        lifetime_seconds=LIFETIME_SECONDS,
    )


def citizen_token(document: DemoDocument, sub: str) -> str:
    provider = document.identity_provider
    return token(Path(provider.private_key_file), issuer=provider.issuer, sub=sub, scope="citizen")
