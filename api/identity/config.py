"""Who may log in, for which clients, under which issuer: read from one file at start."""

import datetime as dt
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from api.private_file import write_private_file

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class ConfigRefused(ValueError):
    """A setting that would make the provider unsafe or unreachable."""


class Persona(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One choice on the log-in page. `sub`: the pairwise subject; `scope`: words parted by spaces;
    `birthdate` is absent for staff. Without `name` the page uses its own words for the persona."""

    persona: Name
    sub: Name
    scope: Name
    birthdate: dt.date | None = None
    name: str = ""


class Client(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public client (no secret; PKCE instead). Redirect URIs match byte for byte."""

    client_id: Name
    name: Name
    redirect_uris: Annotated[list[str], msgspec.Meta(min_length=1, max_length=16)]
    scopes: list[str]


class ProviderConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    issuer: str
    audience: str
    key_file: str
    personas: list[Persona]
    clients: list[Client]
    token_lifetime_seconds: Annotated[int, msgspec.Meta(ge=60, le=86_400)] = 900


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _check_url(url: str, what: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ConfigRefused(f"{what} {url!r} is not an absolute http(s) URL")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
        raise ConfigRefused(f"{what} {url!r}: plain http leaves this machine")
    if parts.fragment or "#" in url or "*" in url:
        raise ConfigRefused(f"{what} {url!r} must have neither fragment nor wildcard")


def checked(config: ProviderConfig) -> ProviderConfig:
    """Raises ConfigRefused: redirect URIs per RFC 6749 3.1.2, issuer per OpenID Discovery 3."""
    _check_url(config.issuer, "issuer")
    if config.issuer.endswith("/") or "?" in config.issuer:
        raise ConfigRefused(f"issuer {config.issuer!r} must end without slash and query")
    for client in config.clients:
        for uri in client.redirect_uris:
            _check_url(uri, f"redirect URI of {client.client_id}")
    for names in ([c.client_id for c in config.clients], [p.persona for p in config.personas]):
        if len(names) != len(set(names)):
            raise ConfigRefused("client ids and personas must each be unique")
    return config


def load_config(path: Path) -> ProviderConfig:
    """JSON. Raises ConfigRefused, msgspec.ValidationError."""
    return checked(msgspec.json.decode(path.read_bytes(), type=ProviderConfig))


def write_config(config: ProviderConfig, path: Path) -> None:
    """Not for others to read: it holds subjects and birth dates of the demo's people."""
    write_private_file(path, msgspec.json.format(msgspec.json.encode(checked(config))))
