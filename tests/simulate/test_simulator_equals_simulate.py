"""The public page's script against `simulate`, on 200 random lives, in Node.js."""

import datetime as dt
import json
import random
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from scoring.contract.documents import RulesDocument
from scoring.lake.tables import MEASURES, OUTCOMES
from scoring.rulebook import load_rulebook, published_document
from scoring.simulate import SimulatedFact, Simulation, simulate

NODE = shutil.which("node")
ENGINE = Path(__file__).resolve().parents[2] / "site" / "pages" / "assets" / "simulator-engine.js"
FACTS = [(kind, outcome) for kind, outcomes in OUTCOMES.items() for outcome in outcomes]
LIVES = 200
SCRIPT = """
require(process.argv[1]);
const worlds = JSON.parse(require("fs").readFileSync(0, "utf8"));
const found = worlds.map(w => globalThis.ChengxinSimulator.score(w.rules, w.records, w.as_of));
process.stdout.write(JSON.stringify(found));
"""


def _life(draw: random.Random) -> Simulation:
    as_of = dt.date(2026, 1, 1) + dt.timedelta(draw.randrange(700))
    return Simulation(
        as_of=as_of, record=[_fact(draw, as_of) for _ in range(draw.randrange(0, 30))]
    )


def _fact(draw: random.Random, as_of: dt.date) -> SimulatedFact:
    kind, outcome = draw.choice(FACTS)
    measure = MEASURES.get((kind, outcome))
    most = 3 if measure == "honour_level" else 120
    age = draw.choice([-1, 0, 1, 364, 365, 729, 730, 1095, 1825, draw.randrange(2000)])
    return SimulatedFact(
        kind=kind,
        outcome=outcome,
        measure=0 if measure is None else draw.randint(1, most),
        happened_on=as_of - dt.timedelta(age),
        state=draw.choice([None, None, None, "disputed", "repaired", "removed"]),
    )


def _by_the_page(rules: list[RulesDocument], lives: list[Simulation]) -> list[dict]:
    worlds = [
        {"rules": each, "as_of": life.as_of, "records": life.record}
        for each, life in zip(rules, lives, strict=True)
    ]
    assert NODE is not None
    done = subprocess.run(
        [NODE, "-e", SCRIPT, str(ENGINE)],
        input=msgspec.json.encode(worlds),
        stdout=subprocess.PIPE,
        check=True,
        timeout=300,
    )
    return json.loads(done.stdout)


@pytest.mark.skipif(NODE is None, reason="no Node.js on the PATH")
def test_two_hundred_random_lives_have_the_same_score_and_points_on_the_page() -> None:
    draw = random.Random(5)
    lives = [_life(draw) for _ in range(LIVES)]
    rules = [published_document(load_rulebook(), life.as_of) for life in lives]
    seen = set()
    for each, life, page in zip(rules, lives, _by_the_page(rules, lives), strict=True):
        found = simulate(each, life)
        assert (page["score"], page["band"]["code"]) == (found.score, found.band_code)
        assert [
            (f"r{item['number'] + 1:05d}", item["rule_id"], item["points"], item["expires_on"])
            for item in page["items"]
        ] == [
            (i.record_id, i.rule_id, i.points, i.expires_on and i.expires_on.isoformat())
            for i in found.items
        ]
        seen.update(item["status"] for item in page["items"])
    assert seen == {"counted", "capped", "expired", "disputed", "repaired", "no_rule"}
