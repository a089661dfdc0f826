"""Thousands of questions to a service: over a few kept connections, each with one on its way.

A client of the library would take longer over an answer than the service does.
"""

import socket
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from tests.support.waiting import LONG_SECONDS

LINES = 16


def answers(
    url: str, questions: Iterable[tuple[str, Mapping[str, str]]]
) -> Iterator[tuple[int, bytes]]:
    """Status and body of a GET for each path and headers, in their order; a question is made while
    those before it are being answered."""
    with ExitStack() as stack:
        idle = deque(stack.enter_context(_line(url)) for _ in range(LINES))
        asked: deque[_Line] = deque()
        for path, headers in questions:
            if not idle:
                idle.append(asked.popleft())
                yield idle[0].answer()
            line = idle.popleft()
            line.ask(path, headers)
            asked.append(line)
        for line in asked:
            yield line.answer()


class _Line:
    def __init__(self, connection: socket.socket, host: str) -> None:
        self._connection = connection
        self._host = host
        self._received = connection.makefile("rb")

    def ask(self, path: str, headers: Mapping[str, str]) -> None:
        lines = [f"GET {path} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._connection.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))

    def answer(self) -> tuple[int, bytes]:
        first = self._received.readline()
        assert first.startswith(b"HTTP/1.1 "), first
        length = -1
        while line := self._received.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        body = self._received.read(length)
        assert len(body) == length, f"{len(body)} of {length} bytes came"
        return int(first.split()[1]), body


@contextmanager
def _line(url: str) -> Iterator[_Line]:
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), LONG_SECONDS) as connection:
        yield _Line(connection, place.netloc)
