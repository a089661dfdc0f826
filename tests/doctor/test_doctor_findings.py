"""Each finding is brought about on a sound installation, and is then the only one."""

import ast
import contextlib
import datetime as dt
import http.server
import json
import os
import re
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from cryptography import x509

from api.commands import doctor
from api.commands.doctor import examine, finding, ledger, machine, store
from api.commands.doctor.finding import Disk, Finding, Installation
from api.commands.doctor.partners import check_certificate
from api.ledger.migrations import known_migrations
from api.ledger.sqlite import ledger_path
from api.partner.client_keys import client_keys_file
from scoring.contract.snapshot import (
    CURRENT_KEY,
    MARKS_KEY,
    OVERLAY_RUN_KEY,
    Manifest,
    manifest_key,
)
from scoring.contract.store_address import StoreAddress
from scoring.keys import key_files
from scoring.publish.pointers import served_id
from scoring.signing import make_keypair
from scoring.store.connection import StoreConnection
from tests.deploy.nginx import write_certificate
from tests.doctor.conftest import AS_OF, NOW, Made, at, sign, with_variable
from tests.ledger.postgres_server import PostgresServer
from tests.overlay.town import Town
from tests.road.road import Road
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PARTNER = "city_bus"


def found(place: Installation) -> list[Finding]:
    return examine(place).findings


def codes(place: Installation) -> set[str]:
    return {one.code for one in found(place)}


def test_a_sound_installation_gives_no_cause(place: Installation) -> None:
    report = examine(place)
    assert report.findings == []
    assert report.sound == list(doctor.checks())


def test_it_changes_nothing(place: Installation) -> None:
    def state() -> dict[str, tuple[int, int]]:
        files = (path for path in place.data.rglob("*") if path.is_file())
        # SQLite makes its index of the log anew for every first reader
        kept = (path for path in files if not path.name.endswith(("-shm", "-wal")))
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in kept}

    before = state()
    with StoreConnection.open(place.store_url) as store_:
        keys = store_.call("DBSIZE")
        examine(place)
        assert store_.call("DBSIZE") == keys
    assert state() == before


# --- keys and folders --------------------------------------------------------------------------


def spoil_missing(place: Installation) -> str:
    key_files(place.data).signing.unlink()
    return "key_missing"


def spoil_open(place: Installation) -> str:
    key_files(place.data).lake.chmod(0o640)
    return "key_open_to_others"


def spoil_key(place: Installation) -> str:
    key_files(place.data).log.write_text("no key")
    return "key_unreadable"


def spoil_pair(place: Installation) -> str:
    other = place.data / "other.pem"
    make_keypair(other, place.data / "other.pub.pem")
    shutil.copy(place.data / "other.pub.pem", key_files(place.data).signing_public)
    return "key_pair_differs"


def spoil_lake_key(place: Installation) -> str:
    key_files(place.data).lake.write_text("ab" * 32)
    return "lake_key_differs"


def spoil_lake(place: Installation) -> str:
    (place.data / "lake" / "manifest.json").write_text("{")
    return "lake_manifest_unreadable"


def spoil_folder(place: Installation) -> str:
    place.data.chmod(0o755)
    (place.data / "lake").chmod(0o755)
    return "data_open_to_others"


def spoil_all(place: Installation) -> str:
    shutil.rmtree(place.data)
    return "data_missing"


# --- ledger ------------------------------------------------------------------------------------


def write(place: Installation, *statements: str) -> None:
    with sqlite3.connect(ledger_path(place.data)) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def spoil_schema_old(place: Installation) -> str:
    last = known_migrations()[-1].version
    write(place, f"DELETE FROM schema_version WHERE version = {last}")
    return "ledger_schema_old"


def spoil_schema_unknown(place: Installation) -> str:
    write(place, "UPDATE schema_version SET sha256 = 'another'")
    return "ledger_schema_unknown"


def spoil_ledger_missing(place: Installation) -> str:
    shutil.rmtree(place.data / "ledger")
    return "ledger_unavailable"


def spoil_pages(place: Installation) -> str:
    """An index says otherwise than its table: what quick_check reads whole pages for."""
    path = ledger_path(place.data)
    write(place, "PRAGMA wal_checkpoint(TRUNCATE)")
    with sqlite3.connect(path) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'idempotency'"
        ).fetchone()
    connection.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(bytes([0xFF]) * 100)
    return "ledger_damaged"


def spoil_head(place: Installation) -> str:
    (path,) = (place.data / "heads").iterdir()
    path.write_text(path.read_text("utf-8").replace("time 2026", "time 2025"), "utf-8")
    return "head_wrong"


def spoil_no_head(place: Installation) -> str:
    shutil.rmtree(place.data / "heads")
    return "head_missing"


def spoil_backup(place: Installation) -> str:
    """An older backup was put back: fewer events than were signed."""
    with sqlite3.connect(ledger_path(place.data)) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)")
    connection.close()
    return "ledger_shorter_than_signed"


# --- store and what it serves --------------------------------------------------------------------


def spoil_copy_missing(place: Installation) -> str:
    shutil.rmtree(place.data / "snapshots")
    return "served_files_missing"


def spoil_copy(place: Installation) -> str:
    (part,) = place.data.glob("snapshots/*/records-00*.resp")
    part.write_bytes(part.read_bytes()[:-1] + b"!")
    return "served_files_wrong"


def spoil_copy_manifest(place: Installation) -> str:
    (path,) = place.data.glob("snapshots/*/manifest.json")
    path.write_bytes(path.read_bytes() + b"\n")
    return "served_differs"


def spoil_waiting(place: Installation) -> str:
    (path,) = place.data.glob("snapshots/*/manifest.json")
    newer = place.data / "snapshots" / "newer"
    newer.mkdir()
    manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    later = msgspec.structs.replace(manifest, as_of=AS_OF + dt.timedelta(days=1))
    (newer / "manifest.json").write_bytes(msgspec.json.encode(later))
    return "snapshot_waiting"


# --- partners ------------------------------------------------------------------------------------


def spoil_partner_missing(place: Installation) -> str:
    client_keys_file(place.data, PARTNER).unlink()
    return "partner_keys_missing"


def spoil_partner(place: Installation) -> str:
    client_keys_file(place.data, PARTNER).write_text('{"keys":[]}')
    return "partner_keys_unusable"


def spoil_partner_private(place: Installation) -> str:
    path = client_keys_file(place.data, PARTNER)
    document = json.loads(path.read_bytes())
    document["keys"][0]["d"] = "c2VjcmV0"
    path.write_text(json.dumps(document))
    return "partner_key_private"


def spoil_certificate(place: Installation) -> str:
    place.certificate.write_text("no certificate")
    return "certificate_unreadable"


SPOILS: list[Callable[[Installation], str]] = [
    value for name, value in list(globals().items()) if name.startswith("spoil_")
]
# What cannot come alone: a damaged manifest is another than the served one, and so on.
BESIDE = {
    "data_missing": {
        "key_missing", "setting_refused", "ledger_unavailable", "served_files_missing",
        "partner_keys_missing",
    },
    "ledger_damaged": {"ledger_unavailable"},
    "key_pair_differs": {"served_files_wrong"},
    "ledger_shorter_than_signed": {
        "retention_never_ran", "export_beyond_ledger", "served_beyond_ledger",
    },
    "served_differs": {"served_files_wrong"},
}  # fmt: skip


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_what_is_spoiled_is_named_and_nothing_else(
    spoil: Callable[[Installation], str], place: Installation
) -> None:
    code = spoil(place)
    named = codes(place)
    assert code in named
    assert named - {code} <= BESIDE.get(code, set())


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ({"hours": 3}, {"head_late": "warning"}),
        ({"hours": 27}, {"head_late": "fault"}),
        (
            {"hours": 50},
            {"head_late": "fault", "served_old": "warning", "retention_late": "fault"},
        ),
        ({"hours": 60}, {"head_late": "fault", "served_old": "fault", "retention_late": "fault"}),
        ({"hours": -1}, {"clock_behind": "fault"}),
        (
            {"days": -3},
            {"clock_behind": "fault", "served_from_future": "fault", "assessment_refused": "fault"},
        ),
    ],
    ids=["three hours", "a day", "two days", "three days", "clock an hour behind", "days behind"],
)
def test_ages_and_the_clock(
    later: dict[str, float], expected: dict[str, str], place: Installation
) -> None:
    named = {one.code: one.level for one in found(at(place, **later))}
    assert named == expected


def test_reviews_and_the_calendar_in_time(place: Installation) -> None:
    from api.commands.doctor.configuration import check_terms

    def terms(day: dt.date) -> set[str]:
        now = dt.datetime.combine(day, dt.time(4), dt.UTC)
        return {one.code for one in check_terms(msgspec.structs.replace(place, now=now))}

    assert terms(dt.date(2026, 11, 20)) == set()
    assert "assessment_review_due" in terms(dt.date(2027, 5, 1))
    assert "assessment_refused" in terms(dt.date(2028, 1, 3))
    assert "calendar_ends" in terms(dt.date(2099, 1, 3))


def test_rules_and_benefits_that_are_to_be_reviewed_and_benefits_that_end(
    place: Installation,
) -> None:
    from api.commands.doctor.configuration import REVIEW_AHEAD, check_terms
    from scoring.benefits import load_benefits
    from scoring.rulebook import load_rulebook
    from scoring.rulebook.document import published_document

    def told(day: dt.date) -> dict[str, str]:
        now = dt.datetime.combine(day, dt.time(4), dt.UTC)
        found = check_terms(msgspec.structs.replace(place, now=now))
        return {one.code: one.what for one in found}

    live = [policy for policy in load_benefits().policies if policy.status == "live"]
    rules = published_document(load_rulebook(), AS_OF).rules
    for code, day in (
        ("benefits_end", min(policy.valid_until for policy in live)),
        ("benefits_review_due", min(policy.review_on for policy in live)),
        ("rules_review_due", min(rule.review_on for rule in rules)),
    ):
        assert code in told(day - REVIEW_AHEAD)
        assert code in told(day + dt.timedelta(days=400))
        assert code not in told(day - REVIEW_AHEAD - dt.timedelta(days=1))
    assert live[0].id in told(dt.date(2099, 1, 3))["benefits_end"]


# --- what is told from outside -------------------------------------------------------------------


def test_variables_the_service_would_not_start_with(place: Installation) -> None:
    for name, value in [
        ("CHENGXIN_ISSUER", "no address"),
        ("CHENGXIN_LEDGER_URL", "mysql://a:pw@b/c"),
    ]:
        (one,) = found(with_variable(place, name, value))
        assert (one.code, one.where) == ("setting_refused", name)
        assert "pw" not in one.what


def test_a_provider_that_is_not_there_or_gives_no_keys(place: Installation) -> None:
    silent = with_variable(place, "CHENGXIN_JWKS_URI", f"http://127.0.0.1:{free_port()}/jwks.json")
    assert codes(silent) == {"identity_keys_unreachable"}
    with empty_key_set() as address:
        none = with_variable(place, "CHENGXIN_JWKS_URI", address)
        assert codes(none) == {"identity_keys_unusable"}


@contextlib.contextmanager
def empty_key_set() -> Iterator[str]:
    class Empty(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "11")
            self.end_headers()
            self.wfile.write(b'{"keys":[]}')

        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/jwks.json"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_registry_that_cannot_be_read(place: Installation) -> None:
    registry = place.data / "partners.toml"
    registry.write_text("partner = 1")
    named = codes(with_variable(place, "CHENGXIN_PARTNERS_FILE", str(registry)))
    assert named == {"partners_unreadable"}


@pytest.mark.parametrize(
    ("free_bytes", "expected"),
    [(1 << 37, {"disk_short"}), (1 << 34, {"disk_full"})],
    ids=["an eighth", "a sixty-fourth"],
)
def test_a_disk_that_fills_up(place: Installation, free_bytes: int, expected: set[str]) -> None:
    disk = Disk(total_bytes=1 << 40, free_bytes=free_bytes)
    assert codes(msgspec.structs.replace(place, disk=lambda folder: disk)) == expected


def test_room_for_less_than_two_more_snapshots_is_short(place: Installation) -> None:
    disk = Disk(total_bytes=1000, free_bytes=900)
    assert codes(msgspec.structs.replace(place, disk=lambda folder: disk)) == {"disk_short"}


def test_a_key_of_another_account_is_named(place: Installation) -> None:
    from api.commands.doctor.keys import _check_file

    path = key_files(place.data).snapshot
    (one,) = _check_file(path, is_private=True, owner=path.stat().st_uid + 1)
    assert one.code == "key_of_another_owner"


# --- timers and the clock, as systemd tells -------------------------------------------------------


def systemd(state: str = "active", result: str = "success", synchronised: str = "yes") -> Any:
    def ask(words: Sequence[str]) -> str:
        if words[0] == "timedatectl":
            return f"{synchronised}\n"
        return f"LoadState=loaded\nActiveState={state}\nResult={result}\nExecMainStatus=7\n"

    return ask


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, set()),
        ({"state": "inactive"}, {"timer_inactive"}),
        ({"result": "exit-code"}, {"timer_failed"}),
        ({"synchronised": "no"}, {"clock_unsynchronised"}),
    ],
    ids=["all well", "a timer is off", "a run failed", "no time server"],
)
def test_what_systemd_says_of_timers(
    said: dict[str, str], expected: set[str], place: Installation
) -> None:
    findings = found(msgspec.structs.replace(place, ask=systemd(**said)))
    assert {one.code for one in findings} == expected
    if expected and "clock_unsynchronised" not in expected:
        assert len(findings) == len(machine.TIMERS)


def test_the_timers_asked_after_are_those_that_are_deployed() -> None:
    deployed = {path.stem for path in (ROOT / "deploy" / "systemd").glob("*.timer")}
    assert set(machine.TIMERS) == deployed


# --- the store --------------------------------------------------------------------------------------


@contextlib.contextmanager
def setting(made: Made, name: str, value: str) -> Iterator[None]:
    with StoreConnection.open(made.store.url) as connection:
        before = connection.call("CONFIG", "GET", name)[1]
        connection.call("CONFIG", "SET", name, value)
        try:
            yield
        finally:
            connection.call("CONFIG", "SET", name, before)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("maxmemory-policy", "allkeys-lru", "store_evicts"),
        ("maxmemory", "0", "store_memory_unlimited"),
        ("hash-max-listpack-value", "64", "store_limits_low"),
    ],
)
def test_settings_of_the_store(
    name: str, value: str, code: str, place: Installation, made: Made
) -> None:
    with setting(made, name, value):
        assert codes(place) == {code}


def test_a_store_with_no_room_for_another_version(place: Installation, made: Made) -> None:
    with StoreConnection.open(made.store.url) as connection:
        info = connection.call("INFO", "memory").decode()
    used = int(re.search(r"^used_memory:(\d+)", info, re.MULTILINE)[1])  # type: ignore[index]
    with setting(made, "maxmemory", str(used * 10 // 9)):
        assert codes(place) == {"store_memory_short"}


def test_a_store_that_does_not_tell_its_settings(place: Installation, made: Made) -> None:
    with StoreConnection.open(made.store.url) as connection:
        connection.call("ACL", "SETUSER", "shy", "on", ">secret", "~*", "+@all", "-config")
    shy = msgspec.structs.replace(
        place, store_url=made.store.url.replace("unix://", "unix://shy:secret@")
    )
    assert codes(shy) == {"store_settings_hidden"}
    refused = msgspec.structs.replace(shy, store_url=shy.store_url.replace("secret", "wrong"))
    (one,) = found(refused)
    assert one.code == "store_refused"
    assert "wrong" not in str(one)


def test_a_store_that_is_not_there(place: Installation, tmp_path: Path) -> None:
    gone = msgspec.structs.replace(place, store_url=f"unix://{tmp_path}/none.sock")
    assert codes(gone) == {"store_unreachable"}
    assert codes(msgspec.structs.replace(place, store_url="valkey://here")) == {"store_address"}


def test_a_store_across_the_network_without_tls() -> None:
    for address, is_named in [
        (StoreAddress(host="store.city.example"), True),
        (StoreAddress(host="store.city.example", is_tls=True), False),
        (StoreAddress(host="127.0.0.1"), False),
        (StoreAddress(socket_path="/run/valkey/valkey-server.sock"), False),
    ]:
        said = [one.code for one in store._address(SimpleNamespace(address=address))]  # type: ignore[arg-type]
        assert said == (["store_in_clear"] if is_named else [])


def test_a_server_older_than_the_scripts_need() -> None:
    class Old:
        def call(self, *words: str) -> bytes:
            return b"redis_version:6.2.14\r\nused_memory:1\r\nmaxmemory:2\r\n"

    (one,) = store._server(Old())  # type: ignore[arg-type]
    assert one.code == "store_too_old"


@contextlib.contextmanager
def without(made: Made, *keys: str) -> Iterator[None]:
    """The keys are away for a while."""
    with StoreConnection.open(made.store.url) as connection:
        for key in keys:
            connection.call("RENAME", key, f"away:{key}")
        try:
            yield
        finally:
            for key in keys:
                connection.call("RENAME", f"away:{key}", key)


def test_an_empty_store(place: Installation, made: Made) -> None:
    with without(made, CURRENT_KEY):
        assert codes(place) == {"nothing_served"}
    with StoreConnection.open(made.store.url) as connection:
        snapshot = served_id(connection)
    assert snapshot is not None
    with without(made, manifest_key(snapshot)):
        assert codes(place) == {"nothing_served"}
    with without(made, MARKS_KEY):
        assert codes(place) == {"marks_missing"}


def test_citizens_whose_scores_do_not_know_what_they_did(place: Installation, made: Made) -> None:
    town = Town(Road(place.data), made.store)
    town.join("new")  # at 2026-11-21 02:00 UTC
    now = dt.datetime(2026, 11, 21, 2, 4, tzinfo=dt.UTC)
    sign(place.data, now)
    soon = msgspec.structs.replace(place, now=now)
    assert codes(soon) == set()
    assert codes(at(soon, minutes=2)) == {"overlay_late"}


def test_an_overlay_that_ended_well_long_ago(place: Installation, made: Made) -> None:
    ended = int(place.now.timestamp())
    with StoreConnection.open(made.store.url) as connection:
        connection.call("SET", OVERLAY_RUN_KEY, f'["any",1,{ended},0]')
        try:
            assert codes(at(place, minutes=5)) == set()
            assert codes(at(place, minutes=6)) == {"overlay_silent"}
        finally:
            connection.call("DEL", OVERLAY_RUN_KEY)


# --- the database ------------------------------------------------------------------------------------


def test_a_database_whose_role_may_do_more_than_append(
    place: Installation, postgres: PostgresServer, tmp_path: Path
) -> None:
    from api.ledger.postgres.ledger import migrate_postgres

    url = postgres.url_for(tmp_path)
    migrate_postgres(url)
    findings = found(msgspec.structs.replace(place, ledger=url))
    of_another_ledger = {
        "ledger_shorter_than_signed",
        "export_beyond_ledger",
        "served_beyond_ledger",
    }
    assert {one.code for one in findings} == {"ledger_rights_wide", *of_another_ledger}
    assert {one.where for one in findings if one.code == "ledger_rights_wide"} == {
        "CHENGXIN_LEDGER_URL"
    }


def test_a_database_that_forgets_or_only_follows() -> None:
    class Careless:
        def rows(self, query: str) -> list[tuple[Any, ...]]:
            return [("off",)] if query.startswith("SHOW") else [("recovery" in query,)]

    said = [one.code for one in ledger._database(Careless(), "there")]  # type: ignore[arg-type]
    assert said == ["ledger_not_durable", "ledger_not_durable", "ledger_read_only"]


def test_a_ledger_never_swept(place: Installation) -> None:
    class Unswept:
        def rows(self, query: str) -> list[tuple[Any, ...]]:
            return [(None,)]

    (one,) = ledger._retention(place, Unswept(), 1)  # type: ignore[arg-type]
    assert one.code == "retention_never_ran"
    assert list(ledger._retention(place, Unswept(), 0)) == []  # type: ignore[arg-type]


# --- partners and the certificate ----------------------------------------------------------------


def touched(path: Path, days_ago: int) -> None:
    at_seconds = NOW.timestamp() - days_ago * 86_400
    os.utime(path, (at_seconds, at_seconds))


def test_keys_of_partners_that_stayed_too_long(place: Installation) -> None:
    path = client_keys_file(place.data, PARTNER)
    touched(path, 400)
    assert codes(place) == {"partner_keys_old"}
    other = client_keys_file(place.data, "harbour_bank")
    both = [json.loads(each.read_bytes())["keys"][0] for each in (path, other)]
    path.write_text(json.dumps({"keys": both}))
    touched(path, 20)
    assert codes(place) == set()
    touched(path, 40)
    assert codes(place) == {"partner_rotation_open"}


def test_a_certificate_that_ends(place: Installation) -> None:
    write_certificate(place.certificate.parent)
    ends = x509.load_pem_x509_certificates(place.certificate.read_bytes())[0].not_valid_after_utc
    levels = []
    for before in (dt.timedelta(days=30), dt.timedelta(days=3), dt.timedelta(days=-1)):
        said = check_certificate(msgspec.structs.replace(place, now=ends - before))
        levels.append([(one.code, one.level) for one in said])
    assert levels == [[], [("certificate_ends", "warning")], [("certificate_ends", "fault")]]


# --- what holds for all of them ------------------------------------------------------------------


def test_a_check_that_breaks_does_not_silence_the_others(
    place: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(place: Installation) -> Iterator[Finding]:
        raise RuntimeError("11010519491231002X")
        yield

    monkeypatch.setattr(doctor, "checks", lambda: {"one": [broken], "two": [lambda place: []]})
    report = examine(place)
    assert [(one.code, one.where) for one in report.findings] == [("check_failed", "broken")]
    assert "11010519491231002X" not in str(report)
    assert report.sound == ["two"]


def written_codes() -> set[str]:
    """First words of every finding in the doctor's own modules."""
    codes = set()
    for path in Path(finding.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in (
                "fault",
                "warning",
                "say",
            ):
                first = node.args[0]
                codes |= {first.value} if isinstance(first, ast.Constant) else set()
    return codes


def test_every_finding_is_explained_in_the_runbook() -> None:
    page = (ROOT / "site" / "pages" / "operations.md").read_text("utf-8")
    assert {code for code in written_codes() if f"`{code}`" not in page} == set()


def test_every_finding_is_brought_about_here() -> None:
    tried = Path(__file__).read_text("utf-8")
    assert {code for code in written_codes() if f'"{code}"' not in tried} == set()
