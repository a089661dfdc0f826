"""One blocking connection to the store, for publishing.

Not a client library's: its pools reconnect and retry behind the caller's back (redis-py waits more
than 20 s on a hung server), and a publisher is fenced by the identity of its one connection. When
this connection breaks, the publisher has lost its pen, and every later call says so.
"""

import socket
import ssl
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

import hiredis

from scoring.contract.store_address import StoreAddress, parse_address
from scoring.errors import StoreUnavailable

Word = bytes | str | int

TIMEOUT_SECONDS = 5.0  # one answer; the longest command of ours, a slice of UNLINKs, takes < 10 ms
RECEIVE_BYTES = 1 << 18


class StoreRefused(StoreUnavailable):
    """The store answered a command with an error; `reply` is its text, e.g. `OOM command not …`."""

    def __init__(self, reply: str) -> None:
        self.reply = reply
        is_full = reply.startswith("OOM")
        super().__init__(
            "store_full" if is_full else "store_refused",
            f"the store answered: {reply}",
            do="raise maxmemory or prune old snapshots" if is_full else "",
        )


def pack(*words: Word) -> bytes:
    packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]  # invariant in its stub
    return packed


def _unix_socket(path: str, timeout_seconds: float) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.settimeout(timeout_seconds)
        sock.connect(path)
    except OSError:
        sock.close()
        raise
    return sock


def _tcp_socket(address: StoreAddress, timeout_seconds: float) -> socket.socket:
    sock = socket.create_connection((address.host, address.port), timeout_seconds)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not address.is_tls:
        return sock
    return ssl.create_default_context().wrap_socket(sock, server_hostname=address.host)


class StoreConnection:
    """Commands in, replies out, in order. Every wait ends after `timeout_seconds`."""

    def __init__(self, address: StoreAddress, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.address = address
        self._reader = hiredis.Reader(notEnoughData=Ellipsis)
        self._socket = self._connected(timeout_seconds)
        try:
            for command in address.greeting():
                self.call(*command)
        except StoreUnavailable:
            self.close()
            raise

    @classmethod
    def open(cls, url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> Self:
        try:
            return cls(parse_address(url), timeout_seconds)
        except ValueError as error:
            raise StoreUnavailable("store_address", str(error), do="check --store") from error

    def _connected(self, timeout_seconds: float) -> socket.socket:
        try:
            if self.address.socket_path is not None:
                return _unix_socket(self.address.socket_path, timeout_seconds)
            return _tcp_socket(self.address, timeout_seconds)
        except OSError as error:
            raise self._lost(error) from error

    def _lost(self, error: OSError | None) -> StoreUnavailable:
        why = "it hung" if isinstance(error, TimeoutError) else str(error or "it hung up")
        return StoreUnavailable(
            "store_unreachable",
            f"no answer from the store: {why}",
            where=str(self.address),
            do="start the store, then run the command again",
        )

    def send(self, data: bytes | memoryview) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            self.close()
            raise self._lost(error) from error

    def reply(self) -> Any:
        """The next reply. Raises StoreRefused for an error reply, StoreUnavailable for silence."""
        while (reply := self._reader.gets()) is Ellipsis:
            self._reader.feed(self._received(RECEIVE_BYTES))
        if isinstance(reply, hiredis.ReplyError):
            raise StoreRefused(str(reply))
        return reply

    def _received(self, most_bytes: int) -> bytes:
        try:
            data = self._socket.recv(most_bytes)
        except OSError as error:
            self.close()
            raise self._lost(error) from error
        if not data:
            self.close()
            raise self._lost(None)
        return data

    def replies(self, count: int) -> list[Any]:
        """The next `count` replies; the first error is raised after all of them are read."""
        got: list[Any] = []
        refused: StoreRefused | None = None
        for _ in range(count):
            try:
                got.append(self.reply())
            except StoreRefused as error:
                refused = refused or error
        if refused is not None:
            raise refused
        return got

    def has_exactly(self, expected: bytes) -> bool:
        """Whether the next bytes from the store are these; when not, the connection is closed."""
        position = 0
        while position < len(expected):
            data = self._received(min(RECEIVE_BYTES, len(expected) - position))
            if data != expected[position : position + len(data)]:
                self.close()
                return False
            position += len(data)
        return True

    def call(self, *words: Word) -> Any:
        self.send(pack(*words))
        return self.reply()

    def calls(self, commands: Iterable[Sequence[Word]]) -> list[Any]:
        """All commands in one write; keep it to a few hundred."""
        packed = [pack(*command) for command in commands]
        if not packed:
            return []
        self.send(b"".join(packed))
        return self.replies(len(packed))

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
