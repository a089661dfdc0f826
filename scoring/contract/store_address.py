"""Where the snapshot store listens; one way of writing it for batch and service.

unix:///run/chengxin/valkey.sock?db=0
redis://user:password@127.0.0.1:6379/0      rediss:// for TLS
"""

from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

DEFAULT_PORT = 6379


class StoreAddress(msgspec.Struct, frozen=True, kw_only=True):
    """`socket_path` is None for TCP. Passwords never show in `repr`, so never in a log."""

    socket_path: str | None = None
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    is_tls: bool = False
    username: str | None = None
    password: str | None = None
    database: int = 0

    def __repr__(self) -> str:
        return f"StoreAddress({self})"

    def __str__(self) -> str:
        return self.socket_path or f"{self.host}:{self.port}"

    def greeting(self) -> list[tuple[str, ...]]:
        """Commands a connection starts with."""
        commands: list[tuple[str, ...]] = []
        if self.password is not None:
            commands.append(("AUTH", self.username or "default", self.password))
        if self.database:
            commands.append(("SELECT", str(self.database)))
        return commands


def parse_address(url: str) -> StoreAddress:
    """Raises ValueError for another scheme, a path-less socket or a database that is no number."""
    parts = urlsplit(url)
    username = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    if parts.scheme == "unix":
        if not parts.path:
            raise ValueError("a unix:// store address needs the path of a socket")
        database = int(parse_qs(parts.query).get("db", ["0"])[0])
        return StoreAddress(
            socket_path=unquote(parts.path),
            username=username,
            password=password,
            database=database,
        )
    if parts.scheme not in ("redis", "rediss"):
        raise ValueError("a store address starts with unix://, redis:// or rediss://")
    return StoreAddress(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or DEFAULT_PORT,
        is_tls=parts.scheme == "rediss",
        username=username,
        password=password,
        database=int(parts.path.strip("/") or "0"),
    )
