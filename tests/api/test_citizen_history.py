"""How the score came to be what it is, page by page; and an overlay is told of."""

import pytest

from scoring.contract.documents import HistoryDocument, HistorySnapshot
from scoring.contract.pseudonyms import snapshot_subject_of
from scoring.contract.snapshot import tag_of
from tests.api.city import AS_OF, SNAPSHOT_KEY, City, make_city, subject
from tests.api.service import Reply, Service

RULES = ["contract_late", "commitment_kept"]
SHOWN = [
    HistorySnapshot(snapshot=f"2026112{n}-000{n}", as_of=AS_OF, rules_version=f"2026-0{n}")
    for n in (0, 1)
]
# rich has 652 points: 600 at first, then 12 and 40 in one snapshot, all in another
ROWS = [",40,1,award,1,1", "20776,12,2,kept1,,1", "20770,0,0,,,0"]


def named(name: str) -> str:
    return snapshot_subject_of(SNAPSHOT_KEY, subject(name))


@pytest.fixture
def city() -> City:
    city = make_city()
    city.history = HistoryDocument(snapshots=SHOWN, rules=RULES)
    give(city, ROWS)
    return city


def give(city: City, rows: list[str]) -> None:
    name = named("rich")
    city.histories[name] = (tag_of(name) + "|".join(rows)).encode()


def ask(service: Service, city: City, query: str = "", name: str = "rich") -> Reply:
    service.reader.serve(city)
    return service.get("/v1/me/score/history" + query, service.signer.token(name))


def test_scores_follow_from_the_score_of_today(fresh: Service, city: City) -> None:
    items = ask(fresh, city).json()["items"]
    assert [item["score"] for item in items] == [652, 612, 600]
    assert items[0] == {
        "at": "2026-11-20",
        "score": 652,
        "change": 40,
        "cause": "new_record",
        "record_id": "award",
        "rule_id": "commitment_kept",
        "snapshot": "20261121-0001",
        "rules_version": "2026-01",
    }
    assert (items[2]["cause"], items[2]["record_id"], items[2]["rule_id"]) == (
        "enrolment",
        None,
        None,
    )
    assert items[1]["rule_id"] is None


def test_pages_join_without_a_gap_also_when_newer_rows_come(fresh: Service, city: City) -> None:
    first = ask(fresh, city, "?limit=1").json()
    assert [item["change"] for item in first["items"]] == [40]
    give(city, ["20778,0,6,,,0", *ROWS])
    rest = ask(fresh, city, f"?limit=2&cursor={first['next_cursor']}").json()
    assert [item["change"] for item in rest["items"]] == [12, 0]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("query", ["?cursor=9.9", "?cursor=x", "?limit=0", "?limit=101"])
def test_a_page_that_is_none_is_refused(fresh: Service, city: City, query: str) -> None:
    assert ask(fresh, city, query).code == "invalid_parameter"


def test_a_snapshot_without_histories_has_an_empty_list(fresh: Service) -> None:
    assert ask(fresh, make_city()).json() == {
        "items": [],
        "next_cursor": None,
        "stale": False,
    }


@pytest.mark.parametrize("row", ["20777,1,0,,,9", "20777,1,9,,,0", "20777,1,0,,9,0", "x", "1,2"])
def test_a_row_that_points_nowhere_is_not_shown(fresh: Service, city: City, row: str) -> None:
    give(city, [row])
    reply = ask(fresh, city)
    assert (reply.status, reply.code) == (503, "record_corrupt")


def test_who_has_left_has_no_history(fresh: Service, city: City) -> None:
    fresh.reader.marks[named("rich")] = b"w:9"
    assert ask(fresh, city).code == "not_enrolled"


def test_an_explanation_tells_of_the_events_it_already_knows(fresh: Service, city: City) -> None:
    fresh.reader.serve(city)
    path = "/v1/me/score/explanation"
    assert fresh.get(path, fresh.signer.token("rich")).json()["overlaid_at_position"] is None
    city.overlaid[named("rich")] = 41
    assert fresh.get(path, fresh.signer.token("rich")).json()["overlaid_at_position"] == 41
