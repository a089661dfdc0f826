"""Log lines: each is one JSON object, of the service and of the commands that run under timers.

Members: `at` (UTC), `level`, `from` (a logger or a command), then what is said: `message`, or the
members of an event. An error that was not foreseen is told by its kind and its places in the code:
its text may quote what a citizen sent.
"""

import atexit
import datetime as dt
import logging
import sys
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import Any, TextIO

import msgspec

JSON_LOG = "CHENGXIN_LOG"  # `json`: what commands print is lines of a log
MOST_PLACES = 3

# What granian gives to logging.config, in each of its processes. Root: everything that is not its
# own; from WARNING on, as Python has it by itself.
SERVER_LOG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {name: {"()": "api.log_lines.JsonLines"} for name in ("generic", "access")},
    "handlers": {
        name: {"class": "logging.StreamHandler", "formatter": "generic", "stream": stream}
        for name, stream in (("console", "ext://sys.stdout"), ("root", "ext://sys.stderr"))
    },
    "loggers": {
        "_granian": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "granian.access": {"handlers": ["console"], "level": "INFO", "propagate": False},
    },
    "root": {"handlers": ["root"], "level": "WARNING"},
}


def line(level: str, source: str, said: Mapping[str, object], at: float) -> str:
    """`at`: Unix seconds."""
    time = dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="milliseconds")
    event = {"at": time, "level": level, "from": source, **said}
    return msgspec.json.encode(event).decode()


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said = _members(record.getMessage())
        if record.exc_info and record.exc_info[0] is not None:
            said |= {"error": record.exc_info[0].__name__, "places": places(record.exc_info[2])}
        return line(record.levelname.lower(), record.name, said, record.created)


def places(trace: TracebackType | None) -> list[str]:
    """The innermost last."""
    frames = traceback.extract_tb(trace)[-MOST_PLACES:]
    return [f"{frame.name}:{frame.lineno}" for frame in frames]


def _members(message: str) -> dict[str, object]:
    """Of an event that is written as JSON already, or the message itself."""
    if message.startswith("{"):
        try:
            return msgspec.json.decode(message, type=dict[str, object])
        except msgspec.DecodeError:
            pass
    return {"message": message}


class LineStream:
    """A text stream whose lines go on as lines of a log; empty ones are left out."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, stream: TextIO, level: str, command: str) -> None:
        self._stream = stream
        self._level = level
        self._command = command
        self._begun = ""

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        for each in lines:
            self._tell(each)
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        """What was begun without an end of line is said too."""
        rest, self._begun = self._begun, ""
        self._tell(rest)
        self.flush()

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def _tell(self, text: str) -> None:
        if text.strip():
            now = dt.datetime.now(dt.UTC).timestamp()
            self._stream.write(line(self._level, self._command, _members(text), now) + "\n")


def say_in_lines(command: str, *, is_answer: bool) -> None:
    """From here on this process prints lines of a log. `is_answer`: what it prints on its standard
    output is read by a program, and stays as it is."""
    spoken = LineStream(sys.stderr, "error", command)
    sys.stderr = spoken
    atexit.register(spoken.close)
    if not is_answer:
        done = LineStream(sys.stdout, "info", command)
        sys.stdout = done
        atexit.register(done.close)
