"""A load run must be able to fail: for slow answers, for wrong ones, and for none at all."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from loadtest.limits import PROFILES, Limits, broken_limits
from loadtest.shapes import SHAPES, stage_at

LIMITS = Limits(p99_ms={"score": 100.0}, error_share=0.01)


def broken(p99_ms: dict[str, float], requests: int, failures: int) -> list[str]:
    return broken_limits(LIMITS, p99_ms=p99_ms, requests=requests, failures=failures)


def test_a_run_within_its_limits_passes() -> None:
    assert broken({"score": 100.0}, 1_000, 10) == []


@pytest.mark.parametrize(
    ("p99_ms", "requests", "failures"),
    [
        pytest.param({"score": 100.1}, 1_000, 0, id="slow"),
        pytest.param({"score": 50.0}, 1_000, 11, id="too many wrong answers"),
        pytest.param({}, 1_000, 0, id="a kind nobody asked for"),
        pytest.param({"score": 50.0}, 0, 0, id="no request at all"),
    ],
)
def test_a_run_beyond_a_limit_fails(p99_ms: dict[str, float], requests: int, failures: int) -> None:
    assert len(broken(p99_ms, requests, failures)) == 1


def test_every_profile_judges_every_kind_of_request() -> None:
    assert len({frozenset(limits.p99_ms) for limits in PROFILES.values()}) == 1


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_a_shape_ends(name: str) -> None:
    stages = SHAPES[name]
    assert [s.until_seconds for s in stages] == sorted(s.until_seconds for s in stages)
    assert stage_at(stages, stages[-1].until_seconds) is None


def test_a_run_against_nobody_exits_with_1(tmp_path: Path) -> None:
    demo = tmp_path / "demo.json"
    document = {"api": "http://127.0.0.1:9", "site": "", "snapshot": "", "citizens": []}
    document |= {"partners": [], "staff": [], "subs": [], "consents": []}
    document |= {"identity_provider": {"issuer": "", "jwks_uri": "", "private_key_file": ""}}
    document |= {"api_signing_key_file": ""}
    demo.write_bytes(msgspec.json.encode(document))
    run = [sys.executable, "-m", "loadtest.run", "--demo", str(demo), "--steady-seconds", "2"]
    done = subprocess.run(run, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1, done.stderr
    assert "limit broken" in done.stderr
