"""Real input: 180,000 payment records of 30,000 people walk the whole road; none is lost.

The expected scores come from DuckDB SQL over the source file, written from the published rules alone:
no code of the batch takes part in them.
"""

import datetime as dt
import json

import duckdb
import httpx
import pytest

from scoring.city.people import identities
from scoring.contract.pseudonyms import subject_of
from scoring.contract.snapshot import Manifest
from scoring.lake.manifest import read_manifest
from scoring.store.embedded import EmbeddedStore
from tests.road import payments
from tests.road.lines import answers
from tests.road.road import Road, Service

PEOPLE, RECORDS = 30_000, 180_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not payments.SOURCE.exists(), reason="contract_payments_2005.csv is not at hand"
    ),
]

EXPECTED_SQL = f"""
with records as (
    select person_no,
           repayment_status as status,
           make_date(cast(period[1:4] as int) + {payments.YEARS_FORWARD},
                     cast(period[6:7] as int), 25) as due_on
    from read_csv('{payments.SOURCE}')
),
on_time as (
    select person_no, least(sum(rule.points), any_value(rule.cap)) as points
    from records, on_time_rule rule
    where status in (-1, 0)
      and due_on <= $as_of and $as_of < due_on + to_days(rule.validity_days)
    group by person_no
),
late_points as (
    select person_no, cap,
           (select step.points from late_steps step
            where step.at_least <= status * {payments.DAYS_PER_MONTH_LATE}
            order by step.at_least desc limit 1) as points
    from records, late_rule rule
    where status > 0 and due_on <= $as_of and $as_of < due_on + to_days(rule.validity_days)
),
late as (
    select person_no, greatest(sum(points), any_value(cap)) as points
    from late_points group by person_no
)
select person_no, $base + coalesce(on_time.points, 0) + coalesce(late.points, 0) as score,
       bool_and(status <= 0) as never_late, bool_and(status in (-1, 0)) as always_on_time,
       bool_or(status > 0) and not bool_or(status in (-1, 0)) as only_late
from records left join on_time using (person_no) left join late using (person_no)
group by person_no, on_time.points, late.points
"""


class Walked:
    """What came out at the end of the road."""

    def __init__(self, manifest: Manifest, scores: dict[int, int], expected: list[tuple]) -> None:
        self.manifest = manifest
        self.scores = scores
        self.expected = expected


def expected_scores(rules: dict) -> list[tuple]:
    """(person_no, score, never_late, always_on_time, only_late) by SQL from the published rules."""
    by_id = {rule["id"]: rule for rule in rules["rules"]}
    on_time, late = by_id["contract_on_time"], by_id["contract_late"]
    with duckdb.connect() as base:
        base.execute(
            "create table on_time_rule as select ? as points, ? as cap, ? as validity_days",
            [on_time["points"], on_time["cap"], on_time["validity_days"]],
        )
        base.execute(
            "create table late_rule as select ? as cap, ? as validity_days",
            [late["cap"], late["validity_days"]],
        )
        base.execute("create table late_steps (at_least int, points int)")
        base.executemany(
            "insert into late_steps values (?, ?)",
            [(step["at_least"], step["points"]) for step in late["points"]],
        )
        return base.execute(
            EXPECTED_SQL, {"as_of": payments.AS_OF, "base": rules["base"]}
        ).fetchall()


def ask_all(service: Service, subjects: dict[int, str]) -> dict[int, int]:
    """Every person's score, each asked with her own token."""
    questions = (("/v1/me/score", service.bearer(subject)) for subject in subjects.values())
    scores: dict[int, int] = {}
    for person, (status, body) in zip(subjects, answers(service.url, questions), strict=True):
        assert status == 200, body
        scores[person] = json.loads(body)["score"]
    return scores


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Walked:
    road = Road(tmp_path_factory.mktemp("payments"))
    numbers = {index + 1: number for index, number, _ in identities(7, PEOPLE)}
    payments.write_delivery(
        payments.read_source(),
        id_number_of=numbers.__getitem__,
        folder=road.data / "incoming" / payments.KIND,
    )
    road.ingest(road.data / "incoming")
    subjects = {person: subject_of(road.lake_key, number) for person, number in numbers.items()}
    road.enrol(list(subjects.values()), dt.date(2026, 6, 1))
    snapshot = road.build(payments.AS_OF)
    with EmbeddedStore(road.data / "store") as store:
        road.publish(snapshot, store.url)
        with road.served(store.url) as service:
            rules = httpx.get(f"{service.url}/v1/rules").json()
            scores = ask_all(service, subjects)
    manifest = json.loads((snapshot / "manifest.json").read_bytes())
    lake = read_manifest(road.data / "lake")
    assert [(f.submitted, f.accepted, f.rejected) for f in lake.files] == [(RECORDS, RECORDS, 0)]
    return Walked(manifest, scores, expected_scores(rules))


def test_thirty_thousand_people_and_all_their_records_arrive(walked: Walked) -> None:
    assert (walked.manifest["citizens"], walked.manifest["items"]) == (PEOPLE, RECORDS)


def test_every_score_equals_the_one_in_sql_from_the_published_rules(walked: Walked) -> None:
    expected = {person: score for person, score, *_ in walked.expected}
    assert len(expected) == PEOPLE
    assert walked.scores == expected


def test_who_paid_on_time_scores_higher_than_who_was_late(walked: Walked) -> None:
    always = [walked.scores[p] for p, _, _, always_on_time, _ in walked.expected if always_on_time]
    only_late = [walked.scores[p] for p, *_, only in walked.expected if only]
    assert len(always) > 1000
    assert len(only_late) > 100
    assert min(always) > max(only_late)
