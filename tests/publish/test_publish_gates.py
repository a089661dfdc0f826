"""Correct snapshots that look wrong are refused, and why; the served one stays."""

import datetime as dt
from pathlib import Path

import msgspec
import pytest

from scoring.contract.snapshot import Manifest
from scoring.errors import GateRefused, InputRefused
from scoring.publish import pointers
from scoring.publish.gates import (
    GateLimits,
    ShiftLimit,
    band_distance,
    check_gates,
    read_limits,
)
from scoring.publish.verify import VerifiedSnapshot, verify
from scoring.store.embedded import EmbeddedStore
from tests.support.snapshots import AS_OF, PUBLIC_KEY, city, write_snapshot
from tests.support.stores import all_keys, connected, publish_to


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory) -> VerifiedSnapshot:
    folder = write_snapshot(tmp_path_factory.mktemp("gates"), "s1", city(200, 1))
    return verify(folder, PUBLIC_KEY)


def changed(snapshot: VerifiedSnapshot, **members: object) -> VerifiedSnapshot:
    manifest = msgspec.structs.replace(snapshot.manifest, **members)
    return msgspec.structs.replace(snapshot, manifest=manifest)


def strict() -> GateLimits:
    """The published limits without their free allowance, so that 200 citizens are a city."""
    limits = read_limits()
    none_free = {
        name: msgspec.structs.replace(getattr(limits, name), free_citizens=1)
        for name in ("count_shift", "band_shift")
    }
    return msgspec.structs.replace(limits, **none_free)


def gate_of(new: VerifiedSnapshot, served: Manifest | None, accepted: tuple[str, ...] = ()) -> str:
    try:
        check_gates(new, served, strict(), accepted)
    except GateRefused as refusal:
        return refusal.code
    return "passed"


def test_the_first_snapshot_passes_without_one_to_compare(verified: VerifiedSnapshot) -> None:
    assert gate_of(verified, None) == "passed"


@pytest.mark.parametrize(
    ("members", "gate"),
    [
        ({"citizens": 0}, "empty"),
        ({"min_reader": 99}, "min_reader"),
        ({"parts": []}, "missing_part"),
    ],
)
def test_an_incomplete_snapshot_is_refused(
    verified: VerifiedSnapshot, members: dict[str, object], gate: str
) -> None:
    assert gate_of(changed(verified, **members), None) == gate


def test_a_missing_document_is_refused(snapshots: Path) -> None:
    folder = write_snapshot(snapshots, "s1", city(10, 1), without=["benefits"])
    assert gate_of(verify(folder, PUBLIC_KEY), None) == "missing_document"


@pytest.mark.parametrize(("citizens", "gate"), [(240, "passed"), (241, "count_shift")])
def test_the_count_may_grow_by_the_limit_and_not_by_one_more(
    verified: VerifiedSnapshot, citizens: int, gate: str
) -> None:
    assert gate_of(changed(verified, citizens=citizens), verified.manifest) == gate


@pytest.mark.parametrize(("citizens", "gate"), [(160, "passed"), (159, "count_shift")])
def test_the_count_may_shrink_by_the_limit_and_not_by_one_more(
    verified: VerifiedSnapshot, citizens: int, gate: str
) -> None:
    assert gate_of(changed(verified, citizens=citizens), verified.manifest) == gate


@pytest.mark.parametrize(("moved", "gate"), [(20, "passed"), (21, "band_shift")])
def test_a_tenth_may_change_band_and_not_one_more(
    verified: VerifiedSnapshot, moved: int, gate: str
) -> None:
    histogram = {"a": moved, "b": 200 - moved}
    assert gate_of(changed(verified, score_histogram=histogram), verified.manifest) == gate


def test_a_named_shift_passes_when_a_person_accepted_it(verified: VerifiedSnapshot) -> None:
    bigger = changed(verified, citizens=400)
    assert gate_of(bigger, verified.manifest, ("count_shift",)) == "passed"


def test_only_shifts_can_be_accepted(verified: VerifiedSnapshot) -> None:
    with pytest.raises(InputRefused, match="gate_not_acceptable"):
        check_gates(verified, None, strict(), ("ledger_backwards",))


def test_an_older_day_is_refused_until_accepted(verified: VerifiedSnapshot) -> None:
    older = changed(verified, as_of=AS_OF - dt.timedelta(days=1))
    assert gate_of(older, verified.manifest) == "as_of_backwards"
    assert gate_of(older, verified.manifest, ("as_of_backwards",)) == "passed"


def test_an_older_ledger_position_could_bring_back_who_left(verified: VerifiedSnapshot) -> None:
    served = msgspec.structs.replace(verified.manifest, ledger_position=7)
    assert gate_of(changed(verified, ledger_position=6), served) == "ledger_backwards"


def test_a_small_city_may_double(verified: VerifiedSnapshot) -> None:
    check_gates(changed(verified, citizens=400), verified.manifest, read_limits())


def test_band_distance_is_the_share_that_moved() -> None:
    assert band_distance({"a": 50, "b": 50}, {"a": 100}) == pytest.approx(0.5)
    assert band_distance({"a": 1}, {}) == 0.0


def test_every_limit_has_a_reason() -> None:
    limits = read_limits()
    for name in ("count_shift", "band_shift", "as_of_backwards"):
        assert len(getattr(limits, name).reason) > 40
    assert isinstance(limits.count_shift, ShiftLimit)


def test_a_refused_snapshot_leaves_no_key_and_the_old_one_served(
    server: EmbeddedStore, snapshots: Path
) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(200, 1)))
    with connected(server) as store:
        before = all_keys(store)
        folder = write_snapshot(snapshots, "s2", city(50, 2))
        with pytest.raises(GateRefused, match="count_shift"):
            publish_to(server, folder, limits=strict())
        assert all_keys(store) == before
        assert pointers.served_id(store) == "s1"
