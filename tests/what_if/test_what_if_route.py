"""GET /v1/me/score/what-if over the city's real rules: what a citizen reads, and when."""

import datetime as dt
from collections.abc import Iterator

import msgspec
import pytest

from api.store.protocol import Version
from scoring.build.documents import tables_document
from scoring.contract.snapshot import ITEM_STATUSES
from scoring.rulebook import load_rulebook, published_document
from tests.api.city import AS_OF, City
from tests.api.service import Service, service_of
from tests.support.lake import catalogue

RULEBOOK = load_rulebook()
RULES = published_document(RULEBOOK, AS_OF)
TABLES = tables_document(RULEBOOK, RULES, catalogue(), AS_OF)
BANDS = [band.from_ for band in RULES.bands]
Row = tuple[str, int, int, dt.date, str]  # rule id, measure, points, day, status


class RealRules(City):
    """Citizens under the published rulebook."""

    def version(self) -> Version:
        version = super().version()
        documents = {
            **version.documents,
            "rules": msgspec.json.encode(RULES),
            "tables": msgspec.json.encode(TABLES),
        }
        return Version(manifest=version.manifest, documents=documents)

    def add_records(self, name: str, *records: Row) -> None:
        texts = [_item(number, record) for number, record in enumerate(records)]
        score = RULES.base + sum(points for _, _, points, _, _ in records)
        band = sum(score >= start for start in BANDS) - 1
        self.put(name, f"{score},{band}", "|".join(texts))


def _item(number: int, row: Row) -> str:
    rule, measure, points, day, status = row
    published = next(r for r in RULES.rules if r.id == rule)
    facts = [(fact.kind, fact.outcome) for fact in TABLES.facts]
    fact = facts.index((published.kind, published.outcome))
    index = [row.rule_id for row in TABLES.rules].index(rule)
    start = (day - dt.date(1970, 1, 1)).days
    code = ITEM_STATUSES.index(status)  # type: ignore[arg-type]
    end = start + published.validity_days
    return f"r{number},{fact},{index},{points},{code},{start},{end},0,{measure}"


def city() -> RealRules:
    city = RealRules()
    fresh, old = AS_OF - dt.timedelta(10), AS_OF - dt.timedelta(720)
    city.add_records("clean")
    city.add_records("owing", ("court_obligation_unfulfilled", 0, -60, fresh, "counted"))
    city.add_records("penalised", ("penalty_general", 0, -40, fresh, "counted"))
    city.add_records(
        "over_cap",
        ("commitment_broken", 0, -25, old, "counted"),
        ("commitment_broken", 0, -25, old, "counted"),
        ("commitment_broken", 0, -25, old, "counted"),
        ("commitment_broken", 0, 0, old, "capped"),
    )
    city.add_records(
        "honoured",
        ("penalty_general", 0, -40, fresh, "counted"),
        ("honour", 1, 20, AS_OF - dt.timedelta(1090), "counted"),
    )
    city.put("other_sum", "590,1", _item(0, ("penalty_general", 0, -10, fresh, "counted")))
    return city


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service_of(city(), tmp_path_factory.mktemp("what-if")) as running:
        yield running


def ask(service: Service, name: str, target: str, **headers: str):
    token = service.signer.token(name)
    return service.get(f"/v1/me/score/what-if?target={target}", token, **headers)


def test_a_target_already_reached_needs_nothing(service: Service) -> None:
    answer = ask(service, "clean", "600").json()
    assert (answer["status"], answer["changes"]) == ("reached", [])
    assert answer["reached_on"] == AS_OF.isoformat()
    assert answer["text"] == "您现在是 600 分，已经达到 600 分。"


def test_an_obligation_is_ended_by_fulfilling_it_today(service: Service) -> None:
    answer = ask(service, "owing", "600").json()
    (change,) = answer["changes"]
    assert (change["way"], change["on"]) == ("fulfilment", AS_OF.isoformat())
    assert (answer["reached_score"], answer["score"]) == (600, 540)
    assert "现在就可以办理" in change["note"]


def test_a_penalty_may_be_repaired_from_the_day_the_law_gives(service: Service) -> None:
    answer = ask(service, "penalised", "600").json()
    (change,) = answer["changes"]
    # general class under the measures of 2026-04: three months from the decision of 2026-11-10
    assert (change["way"], change["on"]) == ("repair", "2027-02-10")
    assert answer["reached_on"] == "2027-02-10"


def test_a_record_behind_the_cap_is_counted_among_the_changes(service: Service) -> None:
    """Four breaches of 25 stand against a cap of 75: one less changes nothing, two win 25."""
    answer = ask(service, "over_cap", "550").json()
    assert [change["way"] for change in answer["changes"]] == ["repair", "repair"]
    assert (answer["score"], answer["reached_score"]) == (525, 550)


def test_a_correction_is_named_only_where_nothing_else_helps_and_only_for_what_is_wrong(
    service: Service,
) -> None:
    """An honour ends before the penalty may be repaired: only today would do."""
    answer = ask(service, "honoured", "620").json()
    (change,) = answer["changes"]
    assert (answer["status"], change["way"]) == ("reachable_if_wrong", "correction")
    assert "记录属实的，不必提出异议" in answer["text"]


def test_what_cannot_be_reached_is_said_calmly_with_the_most_there_is(service: Service) -> None:
    answer = ask(service, "owing", "900").json()
    assert (answer["status"], answer["changes"], answer["reached_on"]) == ("unreachable", [], None)
    assert answer["best_score"] == 600
    assert "不影响任何原有服务" in answer["text"]
    english = ask(service, "owing", "900", accept_language="en").json()
    assert "no service depends on the score" in english["text"]


def test_a_sum_the_rules_do_not_give_is_not_played_with(service: Service) -> None:
    reply = ask(service, "other_sum", "600")
    assert (reply.status, reply.code) == (503, "record_corrupt")


@pytest.mark.parametrize("target", ["", "-1", "1001", "6e2", "600.0", "６００", "00600", "nan"])
def test_a_target_that_is_no_score_is_refused(service: Service, target: str) -> None:
    reply = ask(service, "clean", target.encode().decode("latin-1"))
    assert (reply.status, reply.code) == (400, "invalid_parameter")


def test_who_has_no_score_is_told_so(service: Service) -> None:
    assert ask(service, "nobody", "600").code == "not_enrolled"
