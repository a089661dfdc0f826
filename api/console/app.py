"""The pages as one small ASGI application, to be mounted at `/console`, `/me` and `/staff`.

Pages are public and hold nothing about anybody; what they show, their script fetches with the
token of whoever logged in.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from api.answers import AsgiApp
from api.console.assets import Asset, asset_of, assets_below

STATIC = Path(__file__).parent / "static"
MOUNTS = ("/console", "/me", "/staff")
LOGIN_SCOPE = "openid citizen"
STAFF_SCOPE = "openid staff staff:officer staff:reviewer"
CONSOLE_SCOPE = f"{LOGIN_SCOPE} staff staff:officer staff:reviewer"  # whoever tries the interface
CONFIG_PATH = "/console/config.json"

Headers = list[tuple[bytes, bytes]]


class LoginClient(msgspec.Struct, frozen=True, kw_only=True):
    """How a page logs in: a public client of the OpenID provider. `scope`: words parted by spaces,
    `openid` among them."""

    issuer: str
    client_id: str
    scope: str


class PagesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where a client is None the page offers no log-in; a token can still be pasted."""

    console: LoginClient | None = None
    me: LoginClient | None = None
    staff: LoginClient | None = None


def pages_config(
    issuer: str,
    *,
    console_client: str | None,
    citizen_client: str | None,
    staff_client: str | None = None,
) -> PagesConfig:
    """Client ids as registered at the provider; None or empty where a page has no log-in."""

    def client(client_id: str | None, scope: str) -> LoginClient | None:
        if not client_id:
            return None
        return LoginClient(issuer=issuer, client_id=client_id, scope=scope)

    return PagesConfig(
        console=client(console_client, CONSOLE_SCOPE),
        me=client(citizen_client, LOGIN_SCOPE),
        staff=client(staff_client, STAFF_SCOPE),
    )


def pages_mounts(config: PagesConfig) -> dict[str, AsgiApp]:
    """For the edge: one application at both prefixes."""
    app = PagesApp(config)
    return dict.fromkeys(MOUNTS, app)


def _content_policy(config: PagesConfig) -> str:
    clients = [client for client in (config.console, config.me, config.staff) if client]
    issuers = {urlsplit(client.issuer) for client in clients}
    origins = sorted(f"{issuer.scheme}://{issuer.netloc}" for issuer in issuers)
    reachable = " ".join(["'self'", *origins])
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src {reachable}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class PagesApp:
    """Answers GET and HEAD for its table of files, with ETag and 304; anything else 404 or 405."""

    def __init__(self, config: PagesConfig) -> None:
        self._assets = {
            **assets_below(STATIC / "shared", "/console/"),
            **assets_below(STATIC / "console", "/console/"),
            **assets_below(STATIC / "me", "/me/"),
            **assets_below(STATIC / "staff", "/staff/"),
            CONFIG_PATH: asset_of(msgspec.json.encode(config), ".json"),
        }
        self._always: Headers = [
            (b"cache-control", b"no-cache"),
            (b"content-security-policy", _content_policy(config).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
            (b"server", b"chengxin"),
        ]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        status, headers, content = self._answer(scope)
        start = {"status": status, "headers": [*headers, *self._always]}
        await send({"type": "http.response.start", **start})
        body = b"" if scope["method"] == "HEAD" else content
        await send({"type": "http.response.body", "body": body})

    def _answer(self, scope: Any) -> tuple[int, Headers, bytes]:
        path: str = scope["path"]
        if scope["method"] not in ("GET", "HEAD"):
            return _text(405, "这里只能读取。", (b"allow", b"GET, HEAD"))
        if path in MOUNTS:
            return _text(308, "", (b"location", f"{path}/".encode()))
        asset = self._assets.get(path)
        if asset is None:
            return _text(404, "没有这个页面。")
        if _is_known(asset, dict(scope["headers"]).get(b"if-none-match", b"")):
            return 304, [(b"etag", asset.etag.encode())], b""
        return 200, _asset_headers(asset), asset.content


def _asset_headers(asset: Asset) -> Headers:
    return [
        (b"content-type", asset.media_type.encode()),
        (b"content-length", str(len(asset.content)).encode()),
        (b"etag", asset.etag.encode()),
    ]


def _is_known(asset: Asset, if_none_match: bytes) -> bool:
    """Weak comparison, RFC 9110 13.1.2."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.decode("latin-1").split(",")]
    return asset.etag in tags or tags == ["*"]


def _text(status: int, words: str, *more: tuple[bytes, bytes]) -> tuple[int, Headers, bytes]:
    content = words.encode()
    headers: Headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(content)).encode()),
        *more,
    ]
    return status, headers, content
