"""Alert rules: every series they look at exists, and every one leads to a place in the runbook."""

import datetime as dt
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from scoring.contract.snapshot import OVERLAY_RUN_KEY, OverlayRun
from tests.api.city import AS_OF, make_city
from tests.api.service import service_of

OVERLAID_AT = 1_790_000_000
ROOT = Path(__file__).resolve().parents[2]
RULES: list[dict[str, Any]] = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text("utf-8"))[
    "groups"
][0]["rules"]


@pytest.fixture(scope="module")
def exposition(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a service that has answered, with a signed head beside it."""
    folder = tmp_path_factory.mktemp("measured")
    (folder / "heads").mkdir()
    from api.ledger.audit.folders import HEAD_SUFFIX

    (folder / "heads" / f"20261122T021500Z{HEAD_SUFFIX}").write_text("")
    with service_of(make_city(), folder) as service:
        run = OverlayRun(make_city().version().manifest.snapshot, 41, OVERLAID_AT, 3)
        service.reader.strings[OVERLAY_RUN_KEY] = msgspec.json.encode(run)
        service.get("/v1/rules")
        first = service.get("/metrics").body.decode()
        service.reader.is_down = True
        down = service.get("/metrics").body.decode()
    assert 'chengxin_store_up{worker="' in down
    assert re.search(r"^chengxin_store_up\{[^}]*\} 0$", down, re.MULTILINE)
    assert "chengxin_snapshot_as_of_seconds" not in down
    assert "chengxin_overlay_" not in down
    return first


def value(exposition: str, name: str) -> float:
    found = re.search(rf"^{name}\{{[^}}]*\}} (\S+)$", exposition, re.MULTILINE)
    assert found is not None, name
    return float(found[1])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_series_of_a_rule_exists(rule: dict[str, Any], exposition: str) -> None:
    names = set(re.findall(r"chengxin_\w+", rule["expr"]))
    assert names
    for name in names:
        assert re.search(rf"^{name}\{{", exposition, re.MULTILINE), name


def test_workers_are_compared_over_several_scrapes() -> None:
    """One scrape meets one worker, and the others' series are stale from then on."""
    (rule,) = [rule for rule in RULES if rule["alert"] == "ChengxinWorkersDisagree"]
    compared = re.findall(r"(\w*)\(chengxin_snapshot_as_of_seconds(\[\w+\])?\)", rule["expr"])
    assert compared == [("last_over_time", "[5m]")] * 2
    assert rule["for"] == "10m"  # longer than a publish can be seen by one worker alone


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_rule_leads_to_a_place_in_the_runbook(rule: dict[str, Any]) -> None:
    page, anchor = rule["annotations"]["runbook"].split("#")
    text = (ROOT / "site" / "pages" / f"{page.strip('/')}.md").read_text("utf-8")
    assert f"{{#{anchor}}}" in text
    assert rule["labels"]["severity"] in {"page", "ticket"}


def test_the_age_of_the_snapshot_and_of_the_audit_can_be_read(exposition: str) -> None:
    as_of = dt.datetime.combine(AS_OF, dt.time(), dt.UTC)
    assert value(exposition, "chengxin_snapshot_as_of_seconds") == as_of.timestamp()
    head = dt.datetime(2026, 11, 22, 2, 15, tzinfo=dt.UTC)
    assert value(exposition, "chengxin_audit_head_seconds") == head.timestamp()
    assert value(exposition, "chengxin_ledger_up") == 1
    assert value(exposition, "chengxin_ledger_position") == 0


def test_the_last_overlay_its_size_and_its_age_can_be_read(exposition: str) -> None:
    assert value(exposition, "chengxin_overlay_seconds") == OVERLAID_AT
    assert value(exposition, "chengxin_overlay_ledger_position") == 41
    assert value(exposition, "chengxin_overlay_citizens") == 3


def test_an_overlay_of_a_version_before_tells_its_age_alone(tmp_path: Path) -> None:
    with service_of(make_city(), tmp_path) as service:
        assert "chengxin_overlay_" not in service.get("/metrics").body.decode()
        run = OverlayRun("another", 41, OVERLAID_AT, 3)
        service.reader.strings[OVERLAY_RUN_KEY] = msgspec.json.encode(run)
        told = service.get("/metrics").body.decode()
    assert value(told, "chengxin_overlay_seconds") == OVERLAID_AT
    assert "chengxin_overlay_citizens" not in told


def test_no_label_can_name_a_person(exposition: str) -> None:
    labels = set(re.findall(r'(\w+)="', exposition))
    assert labels <= {"route", "status", "le", "worker"}
