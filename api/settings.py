"""Everything the service is told from outside: read once at start, checked, then passed in.

Rules, benefits and notices are no settings: they have dates and clauses and live in TOML.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

PREFIX = "CHENGXIN_"
KEY_HEX_CHARS = 64
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})

T = TypeVar("T")


# Between a name and the host of an address; libpq takes one behind the host too.
_PASSWORD = re.compile(r"(//[^:/\s]*:)\S*(?=@)|(password=)[^&\s]*")


def _hidden(found: re.Match[str]) -> str:
    return f"{found[1] or found[2]}***"


class SettingRefused(ValueError):
    """Names the variable, what is allowed, and its value without a password: it ends up in a log."""

    def __init__(self, variable: str, value: str | None, allowed: str) -> None:
        self.variable = variable
        self.allowed = allowed
        shown = _PASSWORD.sub(_hidden, value) if value is not None else None
        is_or_not = f"is {shown!r}" if shown is not None else "is not set"
        super().__init__(f"{variable} {is_or_not}; allowed: {allowed}")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Each member is the variable CHENGXIN_<MEMBER>; the paths and URLs of store, ledger and
    snapshot key default to their places in the data directory."""

    data_dir: Path
    store_url: str
    ledger_url: str
    snapshot_key_file: Path
    issuer: str
    audience: str
    jwks_uri: str
    site_dir: Path | None
    console_client: str | None  # client ids of our own pages at the provider; None: no log-in there
    citizen_client: str | None
    staff_client: str | None = None
    jwks_refresh_seconds: int  # a withdrawn key is trusted this much longer
    token_leeway_seconds: int  # clock difference to the identity provider
    token_cache_entries: int  # about 700 B each: 50,000 are 35 MB a worker
    body_limit_bytes: int
    api_issuer: str  # of partners' tokens, and the audience of their assertions
    api_signing_key_file: Path
    partners_file: Path | None  # None: the registry that comes with the service
    citizen_requests_per_minute: int
    trusted_proxies: frozenset[str]  # addresses whose X-Forwarded-For tells the source
    public_max_age_seconds: int  # how old a published document may be in a shared cache


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Raises SettingRefused for the first variable that is missing or out of range."""
    read = _Reader(environment)
    data_dir = read.value("DATA_DIR", _existing_folder, "an existing folder", "data")
    return Settings(
        data_dir=data_dir,
        store_url=read.value(
            "STORE_URL",
            _store_url,
            "unix:///path/to.sock, redis://host:port or rediss://host:port",
            f"unix://{data_dir.absolute()}/store/valkey.sock",
        ),
        ledger_url=read.value(
            "LEDGER_URL",
            _ledger_url,
            "sqlite:///path or postgresql://user@host/database",
            f"sqlite:///{data_dir.absolute()}/ledger/ledger.sqlite",
        ),
        snapshot_key_file=read.value(
            "SNAPSHOT_KEY_FILE",
            _existing_file,
            "an existing file",
            str(data_dir / "keys" / "snapshot.key"),
        ),
        issuer=read.value("ISSUER", _safe_url, _SAFE_URL),
        audience=read.value(
            "AUDIENCE", _word, "1 to 255 characters", "https://chengxin.example/api"
        ),
        jwks_uri=read.value("JWKS_URI", _safe_url, _SAFE_URL),
        site_dir=read.value("SITE_DIR", _optional_folder, "an existing folder, or empty", ""),
        console_client=read.value(
            "CONSOLE_CLIENT", _optional_word, "1 to 255 characters, or empty", ""
        ),
        citizen_client=read.value(
            "CITIZEN_CLIENT", _optional_word, "1 to 255 characters, or empty", ""
        ),
        staff_client=read.value(
            "STAFF_CLIENT", _optional_word, "1 to 255 characters, or empty", ""
        ),
        jwks_refresh_seconds=read.number("JWKS_REFRESH_SECONDS", 5, 3_600, 300),
        token_leeway_seconds=read.number("TOKEN_LEEWAY_SECONDS", 0, 30, 10),
        token_cache_entries=read.number("TOKEN_CACHE_ENTRIES", 0, 1_000_000, 50_000),
        body_limit_bytes=read.number("BODY_LIMIT_BYTES", 1_024, 1_048_576, 65_536),
        api_issuer=read.value("API_ISSUER", _safe_url, _SAFE_URL, "https://chengxin.example"),
        api_signing_key_file=read.value(
            "API_SIGNING_KEY_FILE",
            _existing_file,
            "an existing file",
            str(data_dir / "keys" / "api_signing.pem"),
        ),
        partners_file=read.value("PARTNERS_FILE", _optional_file, "an existing file, or empty", ""),
        citizen_requests_per_minute=read.number("CITIZEN_REQUESTS_PER_MINUTE", 10, 10**7, 6_000),
        trusted_proxies=read.value("TRUSTED_PROXIES", _addresses, "IP addresses with commas", ""),
        public_max_age_seconds=read.number("PUBLIC_MAX_AGE_SECONDS", 0, 86_400, 60),
    )


def snapshot_key_of(settings: Settings) -> bytes:
    """32 bytes, written as 64 hex characters. The refusal never shows the file's content."""
    text = settings.snapshot_key_file.read_text("ascii", errors="replace").strip()
    try:
        if len(text) == KEY_HEX_CHARS:
            return bytes.fromhex(text)
    except ValueError:
        pass
    raise SettingRefused(
        PREFIX + "SNAPSHOT_KEY_FILE", str(settings.snapshot_key_file), "a file of 64 hex characters"
    )


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def value(
        self, name: str, parse: Callable[[str], T], allowed: str, default: str | None = None
    ) -> T:
        text = self._environment.get(PREFIX + name, default)
        if text is None:
            raise SettingRefused(PREFIX + name, None, allowed)
        try:
            return parse(text)
        except ValueError:
            raise SettingRefused(PREFIX + name, text, allowed) from None

    def number(self, name: str, low: int, high: int, default: int) -> int:
        def parse(text: str) -> int:
            if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
                raise ValueError
            return int(text)

        return self.value(name, parse, f"a whole number from {low} to {high}", str(default))


def _existing_folder(text: str) -> Path:
    if not text or not Path(text).is_dir():
        raise ValueError
    return Path(text)


def _optional_folder(text: str) -> Path | None:
    return _existing_folder(text) if text else None


def _optional_file(text: str) -> Path | None:
    return _existing_file(text) if text else None


def _addresses(text: str) -> frozenset[str]:
    """Raises ValueError for what is no address."""
    return frozenset(str(ipaddress.ip_address(part.strip())) for part in text.split(",") if part)


def _existing_file(text: str) -> Path:
    if not Path(text).is_file():
        raise ValueError
    return Path(text)


def _store_url(text: str) -> str:
    parts = urlsplit(text)
    is_socket = parts.scheme == "unix" and parts.path.startswith("/")
    is_network = parts.scheme in ("redis", "rediss") and bool(parts.hostname)
    if not (is_socket or is_network):
        raise ValueError
    return text


def _ledger_url(text: str) -> str:
    parts = urlsplit(text)
    is_file = text.startswith("sqlite:///") and len(parts.path) > 1
    if not (is_file or (parts.scheme == "postgresql" and len(parts.path) > 1)):
        raise ValueError
    return text


_SAFE_URL = "an https URL, or http to a loopback address"


def _safe_url(text: str) -> str:
    parts = urlsplit(text)
    is_local = parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
    is_protected = parts.scheme == "https" and bool(parts.hostname)
    if not (is_local or is_protected) or parts.username or parts.fragment:
        raise ValueError
    return text


def _word(text: str) -> str:
    if not 1 <= len(text) <= 255:
        raise ValueError
    return text


def _optional_word(text: str) -> str | None:
    return _word(text) if text else None
