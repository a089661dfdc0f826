"""`demo.json`: what a tester, a load test or a newcomer needs to try the demo."""

import json
import os
from pathlib import Path

import msgspec


class DemoCitizen(msgspec.Struct, frozen=True, kw_only=True):
    persona: str
    sub: str
    token: str


class DemoPartner(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    client_id: str
    token: str
    private_key_file: str
    policies: list[str]
    kid: str
    token_endpoint: str
    assertion_audience: str


class DemoConsent(msgspec.Struct, frozen=True, kw_only=True):
    """A consent in force: what `partner` asks with."""

    persona: str
    id: str
    handle: str
    partner: str
    policy: str
    purpose: str


class DemoStaff(msgspec.Struct, frozen=True, kw_only=True):
    role: str
    token: str


class DemoIdentityProvider(msgspec.Struct, frozen=True, kw_only=True):
    issuer: str
    jwks_uri: str
    private_key_file: str


class DemoDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The keys named here exist for this demo alone; they are made at its first start."""

    api: str
    site: str
    snapshot: str
    citizens: list[DemoCitizen]
    partners: list[DemoPartner]
    staff: list[DemoStaff]
    subs: list[str]
    identity_provider: DemoIdentityProvider
    api_signing_key_file: str
    consents: list[DemoConsent]


def write_handover(path: Path, document: DemoDocument) -> None:
    """Readable by its owner alone: it holds tokens."""
    text = json.dumps(msgspec.to_builtins(document), ensure_ascii=False, indent=1)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.chmod(0o600)
    os.replace(temporary, path)  # noqa: PTH105 - the atomic call itself


def read_handover(path: Path) -> DemoDocument:
    return msgspec.json.decode(path.read_bytes(), type=DemoDocument)
