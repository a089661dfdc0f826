"""Every line of the log is one JSON object: of the service in an outage of store and of ledger, and
of the commands that run under timers. None of them quotes what somebody sent."""

import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.commands.serve import server_command, server_environment
from api.ledger.sqlite import ledger_path
from api.log_lines import JSON_LOG, JsonLines, LineStream
from api.signing_keys import make_signing_key, write_signing_key
from scoring.contract.snapshot import MARKS_KEY
from scoring.store.connection import StoreConnection
from scoring.store.embedded import EmbeddedStore
from tests.support.ports import free_port
from tests.support.snapshots import city, write_snapshot
from tests.support.stores import publish_to
from tests.support.waiting import LONG_SECONDS

SECRET = "11010519491231002X"


def objects(text: str) -> list[dict[str, Any]]:
    """One of each line."""
    found = []
    for each in text.splitlines():
        assert each.startswith("{"), text
        value = json.loads(each)
        assert {"at", "level", "from"} <= value.keys(), each
        found.append(value)
    return found


def record(message: str, *arguments: object, error: BaseException | None = None) -> str:
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    made = logging.LogRecord(
        "chengxin.test", logging.ERROR, __file__, 1, message, arguments, exc_info
    )
    return JsonLines().format(made)


def test_a_record_is_one_line_whatever_is_in_it() -> None:
    (said,) = objects(record("store: %s", 'gone\n"away"'))
    assert (said["level"], said["from"]) == ("error", "chengxin.test")
    assert said["message"] == 'store: gone\n"away"'


def test_an_event_s_members_are_members_of_its_line() -> None:
    (said,) = objects(record("%s", '{"event":"partner_alarmed","partner":"library"}'))
    assert (said["event"], said["partner"]) == ("partner_alarmed", "library")
    assert "message" not in said
    assert objects(record("{not an event"))[0]["message"] == "{not an event"


def test_an_error_is_told_by_its_kind_and_its_places_alone() -> None:
    try:
        int(SECRET)
    except ValueError as error:
        text = record("follower waits", error=error)
    (said,) = objects(text)
    assert said["error"] == "ValueError"
    assert said["places"][-1].startswith(
        test_an_error_is_told_by_its_kind_and_its_places_alone.__name__
    )
    assert SECRET not in text


def test_what_a_command_prints_goes_on_line_by_line_and_nothing_is_lost() -> None:
    below = io.StringIO()
    stream = LineStream(below, "info", "publish")
    for text in ("serving s1, ", "before s2\n\n", 'two\n{"code":"x"}\n', "begun"):
        stream.write(text)
    stream.close()
    said = objects(below.getvalue())
    assert [each.get("message") for each in said] == ["serving s1, before s2", "two", None, "begun"]
    assert said[2]["code"] == "x"
    assert {each["from"] for each in said} == {"publish"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of a service without a store."""
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "snapshot.key").write_text("ab" * 32)
    write_signing_key(make_signing_key(), tmp_path / "keys" / "api_signing.pem")
    given = {
        **os.environ,
        "CHENGXIN_ISSUER": "https://identity.example",
        "CHENGXIN_JWKS_URI": "http://127.0.0.1:9/jwks",
        "CHENGXIN_STORE_URL": f"unix://{tmp_path}/nobody.sock",
    }
    return server_environment(tmp_path, given)


def test_every_line_of_the_service_is_an_object_while_store_and_ledger_are_gone(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    log = tmp_path / "service.log"
    command = server_command(host="127.0.0.1", port=free_port(), workers=1)

    def tells_of(word: str) -> bool:
        return word in log.read_text()

    def wait(condition: Callable[[], bool]) -> None:
        ends = time.monotonic() + LONG_SECONDS
        while not condition():
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < ends, log.read_text()
            time.sleep(0.05)

    with EmbeddedStore(tmp_path / "store") as store, log.open("wb") as file:
        publish_to(store, write_snapshot(tmp_path / "snapshots", "s1", city(5, 1)))
        environment["CHENGXIN_STORE_URL"] = store.url
        server = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
        try:
            wait(lambda: marks_are_brought(store.url))
            ledger_path(tmp_path).rename(tmp_path / "aside.sqlite")
            wait(lambda: tells_of("LedgerUnavailable"))
            store.stop()
            wait(lambda: tells_of("store: "))
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=LONG_SECONDS) == 0
    said = objects(log.read_text())
    assert {"warning", "info"} <= {each["level"] for each in said}
    assert {"_granian", "chengxin.ledger", "api.store.reader"} <= {each["from"] for each in said}


def marks_are_brought(url: str) -> bool:
    """The service has connected to its store and read its ledger."""
    with StoreConnection.open(url) as connection:
        return bool(connection.call("EXISTS", MARKS_KEY))


@pytest.mark.parametrize(
    "words",
    [
        ["ledger", "export"],
        ["verify"],
        ["publish"],
        ["prune"],
        ["overlay", "--once"],
        ["retention", "run"],
        ["audit", "head"],
        ["build", "--as-of", "2026-11-20"],
        ["site", "check", "--site", "nowhere"],
        ["publish", "--no-such-option"],
    ],
    ids=" ".join,
)
def test_what_a_command_of_a_timer_says_of_trouble_is_objects(
    words: list[str], tmp_path: Path, environment: dict[str, str]
) -> None:
    where = [] if words[0] == "site" else ["--data", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "api.commands", *words, *where],
        env={**environment, JSON_LOG: "json", "COLUMNS": "80"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    said = objects(done.stderr)
    assert said
    assert done.stdout == "" or objects(done.stdout)
    if "--no-such-option" not in words:
        assert [each["code"] for each in said if "code" in each]
