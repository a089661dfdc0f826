"""A material change of the notice: announced, then nothing is shown until she has agreed anew; her
rights stay; one call and everything is back."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from api.ledger.enrolment import CITY_CLOCK, enrolled_draft
from api.ledger.notice import NOTICE_FOLDER, Notices, load_notices
from tests.api.city import make_city, subject
from tests.api.service import Service, service_of

TODAY = dt.datetime.now(CITY_CLOCK).date()
NEW = "2999-01"
GATED = [
    "/v1/me/score",
    "/v1/me/score/explanation",
    "/v1/me/score/history",
    "/v1/me/score/what-if?target=700",
]
SHOWN = GATED[:3]  # this city's few rules are not enough for a what-if
# Reading, disputing, taking along: never behind the new notice.
RIGHTS = [
    "/v1/me/enrolment",
    "/v1/me/enrolment/receipt",
    "/v1/me/accesses",
    "/v1/me/consents",
    "/v1/me/disputes",
    "/v1/me/reviews",
    "/v1/me/repairs",
    "/v1/me/events",
    "/v1/me/export",
]


def notices_with(folder: Path, *, effective_on: dt.date, is_material: bool = True) -> Notices:
    """Those of the service, and a new one: another purpose, another kind, a rule halved."""
    text = (NOTICE_FOLDER / "2026-01.toml").read_text("utf-8")
    for old, new in (
        ('version = "2026-01"', f'version = "{NEW}"'),
        ("announced_on = 2025-11-01", f"announced_on = {TODAY - dt.timedelta(days=31)}"),
        ("effective_on = 2026-01-01", f"effective_on = {effective_on}"),
        ("is_material = true", f"is_material = {str(is_material).lower()}"),
        (
            "purposes = [",
            'purposes = [\n  { code = "statistics", name = { zh = "编制统计", en = "Make statistics" } },',
        ),
        ("points = 12, cap = 60", "points = 6, cap = 60"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    for path in NOTICE_FOLDER.glob("*.toml"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / f"{NEW}.toml").write_text(text, "utf-8")
    return load_notices(folder)


def enrol(service: Service, name: str, version: str) -> None:
    notice = load_notices().document(version)
    draft = enrolled_draft(subject(name), notice, "ab" * 16, 1_700_000_000_000)
    service.run(service.ledger.append(draft))


@pytest.fixture
def raised(tmp_path: Path) -> Iterator[Service]:
    """In force since today; rich and late have accepted the one before."""
    folder = tmp_path / "notices"
    folder.mkdir()
    notices = notices_with(folder, effective_on=TODAY)
    with service_of(make_city(), tmp_path, notices=notices) as running:
        yield running


@pytest.fixture
def announced(tmp_path: Path) -> Iterator[Service]:
    folder = tmp_path / "notices"
    folder.mkdir()
    notices = notices_with(folder, effective_on=TODAY + dt.timedelta(days=10))
    with service_of(make_city(), tmp_path, notices=notices) as running:
        yield running


def accept(service: Service, name: str, version: str, **headers: str):
    token = service.signer.token(name, birthdate="1990-05-01")
    return service.post("/v1/me/enrolment", {"notice_version": version}, token, **headers)


@pytest.mark.parametrize("path", GATED)
def test_nothing_of_the_score_is_shown_under_an_older_notice(raised: Service, path: str) -> None:
    enrol(raised, "rich", "2026-01")
    reply = raised.get(path, raised.signer.token("rich"))
    assert (reply.status, reply.code) == (409, "reconsent_required")
    told = reply.json()["reconsent"]
    assert (told["from_version"], told["to_version"], told["state"]) == (
        "2026-01",
        NEW,
        "required",
    )
    assert {(c["what"], c["how"], c["code"]) for c in told["changes"]} == {
        ("purpose", "added", "statistics"),
        ("rule", "changed", "commitment_kept"),
    }
    assert "score" not in reply.json()


def test_the_change_is_told_in_the_asked_language(raised: Service) -> None:
    enrol(raised, "rich", "2026-01")
    token = raised.signer.token("rich")
    chinese = raised.get("/v1/me/score", token).json()["reconsent"]["changes"][0]["text"]
    english = raised.get("/v1/me/score", token, accept_language="en").json()["reconsent"]
    assert chinese == "新增目的：编制统计"
    assert english["changes"][0]["text"] == "New purpose: Make statistics"


@pytest.mark.parametrize("path", RIGHTS)
def test_rights_stay_without_a_new_consent(raised: Service, path: str) -> None:
    enrol(raised, "rich", "2026-01")
    assert raised.get(path, raised.signer.token("rich")).status == 200


def test_a_record_can_be_disputed_without_a_new_consent(raised: Service) -> None:
    enrol(raised, "rich", "2026-01")
    body = {"record_id": "kept1", "reason": "这不是我的记录，请核对。"}
    reply = raised.post("/v1/me/disputes", body, raised.signer.token("rich"))
    assert reply.status == 201


def test_leaving_needs_no_new_consent(raised: Service) -> None:
    enrol(raised, "rich", "2026-01")
    token = raised.signer.token("rich")
    assert raised.ask("DELETE", "/v1/me/enrolment", token).status == 204
    assert raised.get("/v1/me/score", token).code == "not_enrolled"


def test_accepting_brings_everything_back_at_the_next_call(raised: Service) -> None:
    enrol(raised, "rich", "2026-01")
    receipt = accept(raised, "rich", NEW)
    assert receipt.status == 201
    assert receipt.json()["notice_version"] == NEW
    assert receipt.json()["replaces"] == "ab" * 16
    token = raised.signer.token("rich")
    assert [raised.get(path, token).status for path in SHOWN] == [200, 200, 200]
    assert raised.get("/v1/me/enrolment", token).json()["reconsent"] is None
    again = raised.get("/v1/me/enrolment/receipt", token)
    assert again.body == receipt.body


def test_an_older_version_cannot_be_accepted_once_a_newer_is_in_force(raised: Service) -> None:
    enrol(raised, "rich", "2026-01")
    reply = accept(raised, "rich", "2026-01")
    assert (reply.status, reply.code) == (422, "notice_outdated")


def test_accepting_twice_is_a_conflict_and_the_same_request_the_same_receipt(
    raised: Service,
) -> None:
    enrol(raised, "rich", "2026-01")
    first = accept(raised, "rich", NEW, idempotency_key="once")
    assert accept(raised, "rich", NEW, idempotency_key="once").body == first.body
    assert accept(raised, "rich", NEW).code == "already_enrolled"


def test_whom_the_build_left_out_is_told_why_and_not_that_she_never_joined(
    raised: Service,
) -> None:
    enrol(raised, "nobody-built", "2026-01")
    # as after a store that has no mark of before the snapshot
    raised.reader.marks.clear()
    reply = raised.get("/v1/me/score", raised.signer.token("nobody-built"))
    assert (reply.status, reply.code) == (409, "reconsent_required")
    stranger = raised.get("/v1/me/score", raised.signer.token("stranger"))
    assert (stranger.status, stranger.code) == (404, "not_enrolled")


def test_before_its_day_a_change_is_told_and_everything_works(announced: Service) -> None:
    enrol(announced, "rich", "2026-01")
    token = announced.signer.token("rich")
    assert [announced.get(path, token).status for path in SHOWN] == [200, 200, 200]
    told = announced.get("/v1/me/enrolment", token).json()["reconsent"]
    assert told["state"] == "announced"
    assert told["effective_on"] == (TODAY + dt.timedelta(days=10)).isoformat()


def test_an_announced_notice_can_be_accepted_early_and_never_taken_back(
    announced: Service,
) -> None:
    enrol(announced, "rich", "2026-01")
    assert accept(announced, "rich", NEW).status == 201
    assert accept(announced, "rich", "2026-01").code == "already_enrolled"
    token = announced.signer.token("rich")
    assert announced.get("/v1/me/score", token).status == 200
    assert announced.get("/v1/me/enrolment", token).json()["reconsent"] is None


def test_every_told_version_can_be_read(announced: Service) -> None:
    listed = announced.get("/v1/notices").json()["items"]
    assert [item["version"] for item in listed] == [NEW, "2026-01", "2025-07"]
    for item in listed:
        read = announced.get(f"/v1/notices/{item['version']}")
        assert (read.status, read.json()["version"]) == (200, item["version"])
    assert announced.get("/v1/notices/1999-01").code == "notice_unknown"


def test_a_change_that_is_not_material_asks_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "notices"
    folder.mkdir()
    notices = notices_with(folder, effective_on=TODAY, is_material=False)
    with service_of(make_city(), tmp_path, notices=notices) as running:
        enrol(running, "rich", "2026-01")
        token = running.signer.token("rich")
        assert running.get("/v1/me/score", token).status == 200
        assert running.get("/v1/me/enrolment", token).json()["reconsent"] is None


def test_a_record_that_names_its_notice_is_judged_by_it(tmp_path: Path) -> None:
    """As built while the new notice was announced: most have accepted the old one, some the new."""
    folder = tmp_path / "notices"
    folder.mkdir()
    notices = notices_with(folder, effective_on=TODAY)
    city = make_city()
    city.put("early", f"612,2,{NEW}", "kept1,1,1,12,0,20400,21130,0,0")
    with service_of(city, tmp_path, notices=notices) as running:
        assert running.get("/v1/me/score", running.signer.token("early")).status == 200
        explained = running.get("/v1/me/score/explanation", running.signer.token("early"))
        assert explained.status == 200
        assert running.get("/v1/me/score", running.signer.token("rich")).status == 409


def test_a_notice_takes_effect_at_the_citys_midnight(tmp_path: Path) -> None:
    from api.ledger.standing import NoticeStanding

    folder = tmp_path / "notices"
    folder.mkdir()
    tomorrow = TODAY + dt.timedelta(days=1)
    notices = notices_with(folder, effective_on=tomorrow)
    midnight = dt.datetime.combine(tomorrow, dt.time(), CITY_CLOCK).timestamp()
    now = midnight - 0.001
    standing = NoticeStanding(notices, lambda: now)
    before = standing.too_old()
    assert before == {"2025-07"}
    assert standing.too_old() is before
    now = midnight
    assert standing.too_old() == {"2025-07", "2026-01"}
    now = midnight - 1  # a clock set back
    assert standing.too_old() == {"2025-07"}


def test_the_problem_is_one_object_with_the_members_of_the_standard(raised: Service) -> None:
    enrol(raised, "rich", "2026-01")
    body = msgspec.json.decode(raised.get("/v1/me/score", raised.signer.token("rich")).body)
    assert {"type", "title", "status", "detail", "code", "trace_id"} <= body.keys()
