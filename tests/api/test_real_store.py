"""The service over a real Valkey and a real ledger: the promises that need both."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.store.reader import ValkeyReader
from scoring.contract.pseudonyms import snapshot_subject_of
from scoring.publish.publish import publish
from scoring.store.connection import StoreConnection
from scoring.store.embedded import EmbeddedStore
from tests.api.city import make_city
from tests.api.service import Reply, Service, service_of
from tests.support.snapshots import (
    PUBLIC_KEY,
    SNAPSHOT_KEY,
    Citizens,
    item,
    score_in,
    write_snapshot,
)
from tests.support.waiting import LONG_SECONDS, within

CITIZENS = 300


def sub(number: int) -> str:
    return f"citizen-{number:014}"


def city(version: int) -> Citizens:
    return {
        snapshot_subject_of(SNAPSHOT_KEY, sub(number)): (
            score_in(version),
            [item(version, f"r-{version}-{number}")],
        )
        for number in range(CITIZENS)
    }


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    with EmbeddedStore(tmp_path / "store") as running:
        serve(running, tmp_path, 1)
        yield running


def serve(store: EmbeddedStore, folder: Path, version: int) -> str:
    snapshot = f"20260115-{version:04}"
    made = write_snapshot(folder / "snapshots", snapshot, city(version))
    with StoreConnection.open(store.url) as connection:
        publish(made, connection, PUBLIC_KEY)
    return snapshot


@pytest.fixture
def real(store: EmbeddedStore, tmp_path: Path) -> Iterator[Service]:
    def make_reader(replay):
        return ValkeyReader(store.url, before_serving=replay)

    with service_of(make_city(), tmp_path, make_reader=make_reader) as service:
        yield service


def token(service: Service, number: int) -> str:
    return service.signer.token(sub=sub(number))


def get(service: Service, number: int, path: str = "/v1/me/score") -> Reply:
    return service.get(path, token(service, number))


def enrol(service: Service, number: int) -> Reply:
    notice = service.get("/v1/notice").json()["version"]
    return service.post("/v1/me/enrolment", {"notice_version": notice}, token(service, number))


def test_every_citizen_gets_her_score_and_an_explanation_that_adds_up(real: Service) -> None:
    for number in range(0, CITIZENS, 7):
        score = get(real, number).json()
        parts = get(real, number, "/v1/me/score/explanation").json()
        assert score["score"] == parts["score"] == score_in(1)
        assert parts["base"] + sum(item["points"] for item in parts["items"]) == score["score"]
        assert parts["items"][0]["record_id"] == f"r-1-{number}"


def test_who_is_not_in_the_snapshot_is_not_enrolled(real: Service) -> None:
    assert get(real, CITIZENS + 1).code == "not_enrolled"


def test_leaving_is_in_effect_at_the_next_call_and_enrolling_waits_for_a_build(
    real: Service,
) -> None:
    assert enrol(real, 3).status == 201
    assert get(real, 3).status == 200
    assert real.ask("DELETE", "/v1/me/enrolment", token(real, 3)).status == 204
    assert get(real, 3).code == "not_enrolled"
    assert get(real, 3, "/v1/me/score/explanation").code == "not_enrolled"
    assert enrol(real, CITIZENS + 5).status == 201
    assert get(real, CITIZENS + 5).code == "not_scored_yet"


def test_a_store_that_lost_its_data_does_not_bring_a_leaver_back(
    real: Service, store: EmbeddedStore, tmp_path: Path
) -> None:
    enrol(real, 4)
    real.ask("DELETE", "/v1/me/enrolment", token(real, 4))
    store.stop()
    store.start()
    snapshot = serve(store, tmp_path, 2)
    seconds_until_served(real, snapshot)
    assert get(real, 5).json()["score"] == score_in(2)
    assert get(real, 4).code == "not_enrolled"


def seconds_until_served(service: Service, snapshot: str) -> float:
    began = time.monotonic()
    while (seen := get(service, 5)).status != 200 or seen.json()["snapshot"] != snapshot:
        assert time.monotonic() - began < LONG_SECONDS
        service.run(asyncio.sleep(0.02))
    return time.monotonic() - began


def test_a_flip_shows_in_score_rules_and_etag_within_a_second(
    real: Service, store: EmbeddedStore, tmp_path: Path
) -> None:
    versions = itertools.count(2)
    before = real.get("/v1/rules").headers["etag"]

    def flipped() -> float:
        version = next(versions)
        snapshot = serve(store, tmp_path, version)
        seconds = seconds_until_served(real, snapshot)
        assert get(real, 9).json()["score"] == score_in(version)
        return seconds

    within(1.0, flipped)
    snapshot = get(real, 9).json()["snapshot"]
    after = real.get("/v1/rules", if_none_match=before)
    assert (after.status, after.headers["chengxin-snapshot"]) == (200, snapshot)


def test_a_stopped_store_is_a_quick_503_for_scores_and_public_pages_stay(
    real: Service, store: EmbeddedStore
) -> None:
    assert get(real, 1).status == 200
    store.stop()
    for path in ("/v1/me/score", "/v1/me/score/explanation"):

        def refused(path: str = path) -> None:
            reply = get(real, 1, path)
            assert (reply.status, reply.code) == (503, "store_unavailable")
            assert int(reply.headers["retry-after"]) > 0

        within(0.3, refused)
    assert real.get("/v1/rules").status == 200
    leaving = real.ask("DELETE", "/v1/me/enrolment", token(real, 1))
    assert leaving.status in (404, 503)
