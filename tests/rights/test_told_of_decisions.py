"""What was decided about her cases is told without her asking."""

from typing import Any

import pytest

from api.me.news import WORDS
from api.rights.case import OUTCOMES
from tests.api.service import Service
from tests.rights.town import REASON, citizen, decide, officer, opened

CASES = [
    ("disputes", "upheld", "ann", "pen1"),
    ("disputes", "rejected", "ann", "pen1"),
    ("disputes", "undecided", "ann", "pen1"),
    ("repairs", "granted", "ann", "pen1"),
    ("repairs", "refused", "ann", "pen1"),
]


def news(service: Service, name: str, **headers: str) -> list[dict[str, Any]]:
    reply = citizen(service, name, "/v1/me/events", **headers)
    assert reply.status == 200, reply.body
    items: list[dict[str, Any]] = reply.json()["items"]
    return items


@pytest.mark.parametrize(("kind", "outcome", "name", "record"), CASES, ids=lambda part: part)
def test_a_decision_is_told_to_her_and_to_nobody_else(
    town: Service, kind: str, outcome: str, name: str, record: str
) -> None:
    case_id = opened(town, name, record, kind)
    assert news(town, name) == []
    decide(town, kind, case_id, outcome)
    (item,) = news(town, name)
    assert item["code"] == f"{kind[:-1]}_{outcome}"
    assert item["link"] == f"/v1/me/{kind}"
    assert item["id"] == f"e{item['seq']}"
    shown = citizen(town, name, f"/v1/me/{kind}").json()["items"][0]
    assert item["time"] == shown["decided_at"]
    assert news(town, "bob") == []


def test_the_outcome_of_a_review_is_told(town: Service) -> None:
    reply = citizen(town, "ann", "/v1/me/reviews", {"about": "score"})
    decide(town, "reviews", reply.json()["id"], "confirmed")
    (item,) = news(town, "ann")
    assert (item["code"], item["link"]) == ("review_confirmed", "/v1/me/reviews")


def test_what_waits_for_the_second_person_is_not_told(town: Service) -> None:
    case_id = opened(town, "ann", "pen1")
    path = f"/v1/staff/disputes/{case_id}/decision"
    reply = officer(town, path, {"outcome": "upheld", "reason": REASON})
    assert reply.json()["status"] == "proposed"
    assert news(town, "ann") == []


def test_every_outcome_has_words_in_both_languages() -> None:
    codes = {f"{case}_{outcome}" for case, found in OUTCOMES.items() for outcome in found}
    assert codes <= WORDS.keys()
    for code in codes:
        assert WORDS[code].zh.endswith("。")
        assert WORDS[code].en.endswith(".")
