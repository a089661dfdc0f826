"""1,000 random citizens: what the API says, what its explanation adds up to, what the recomputation
from raw records finds and what SQL finds are one number."""

import datetime as dt
import json
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from api.commands.demo.city import DemoState, enrol_residents
from scoring.city.generation import generate
from scoring.contract.documents import RulesDocument
from scoring.contract.snapshot import Manifest
from scoring.recompute import read_records_of, recompute
from scoring.store.embedded import EmbeddedStore
from tests.road.lines import answers
from tests.road.road import Road, Service
from tests.support.sql_scores import sql_scores

PEOPLE, SEED, AS_OF = 3_000, 7, dt.date(2026, 11, 20)
ASKED = 1_000

pytestmark = pytest.mark.slow


class FourWays:
    def __init__(self, road: Road, snapshot: Path, service: Service) -> None:
        self.road = road
        self.manifest = msgspec.json.decode(
            (snapshot / "manifest.json").read_bytes(), type=Manifest
        )
        self.rules = msgspec.json.decode(
            (snapshot / "documents" / "rules.json").read_bytes(), type=RulesDocument
        )
        export = road.data / "exports" / str(self.manifest.ledger_position)
        self.by_sql = sql_scores(road.data / "lake", export, self.rules, AS_OF)
        self.asked = random.Random(SEED).sample(sorted(self.by_sql), ASKED)
        self._service = service

    def served(self, path: str) -> Iterator[dict]:
        """What each of `asked` is told, in their order."""
        questions = ((path, self._service.bearer(subject)) for subject in self.asked)
        for status, body in answers(self._service.url, questions):
            assert status == 200, body
            yield json.loads(body)

    def recomputed(self) -> dict[str, int]:
        lake = self.road.data / "lake"
        records = read_records_of(lake, self.manifest.sources, self.asked)
        return {s: recompute(self.rules, records[s], {}, AS_OF).score for s in self.asked}


@pytest.fixture(scope="module")
def four_ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FourWays]:
    road = Road(tmp_path_factory.mktemp("four-ways"))
    generate(people=PEOPLE, seed=SEED, out=road.data / "incoming", as_of=AS_OF)
    road.ingest(road.data / "incoming")
    state = DemoState(people=PEOPLE, seed=SEED, as_of=AS_OF)
    enrol_residents(road.data, state, road.lake_key, lambda step, done, total: None)
    snapshot = road.build(AS_OF)
    with EmbeddedStore(road.data / "store") as store:
        road.publish(snapshot, store.url)
        with road.served(store.url) as service:
            yield FourWays(road, snapshot, service)


def test_score_explanation_recomputation_and_sql_agree(four_ways: FourWays) -> None:
    scores, recomputed = set(), four_ways.recomputed()
    told = four_ways.served("/v1/me/score"), four_ways.served("/v1/me/score/explanation")
    for subject, own, why in zip(four_ways.asked, *told, strict=True):
        score = own["score"]
        added_up = why["base"] + sum(item["points"] for item in why["items"])
        by_sql = four_ways.by_sql[subject]
        assert (score, added_up, recomputed[subject]) == (by_sql, by_sql, by_sql)
        scores.add(score)
    assert len(scores) > 20
