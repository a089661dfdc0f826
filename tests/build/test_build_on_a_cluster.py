"""The same jobs on a Dask scheduler and two workers of its own on loopback."""

import hashlib
import importlib.util
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from scoring.benefits import load_benefits
from scoring.build import build, cluster
from scoring.build.cluster import cluster_executor
from scoring.errors import StoreUnavailable, VerificationFailed
from scoring.rulebook import load_rulebook
from tests.build.random_city import AS_OF
from tests.support.lake import KEYS, Built, catalogue, rebuild

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None,
    reason="the extra `cluster` (Dask distributed) is not installed",
)
START_SECONDS = 120


class Cluster(msgspec.Struct, frozen=True):
    address: str
    workers: list[subprocess.Popen[bytes]]


@contextmanager
def _process(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    quiet = subprocess.DEVNULL
    command = [sys.executable, "-W", "ignore", "-m", *arguments]
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def _cluster(folder: Path) -> Iterator[Cluster]:
    scheduler_file = folder / "scheduler.json"
    common = ("--host", "127.0.0.1", "--scheduler-file", str(scheduler_file))
    worker = ("distributed.cli.dask_worker", *common, "--nthreads", "1", "--no-nanny")
    worker += ("--no-dashboard", "--local-directory", str(folder))
    with (
        _process("distributed.cli.dask_scheduler", *common, "--port", "0", "--no-dashboard"),
        _process(*worker) as first,
        _process(*worker) as second,
    ):
        address = _address(scheduler_file)
        _wait_for_workers(address, 2)
        yield Cluster(address, [first, second])


def _address(scheduler_file: Path) -> str:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        if scheduler_file.exists() and scheduler_file.stat().st_size:
            return str(msgspec.json.decode(scheduler_file.read_bytes())["address"])
        time.sleep(0.05)
    raise TimeoutError("no scheduler")


def _wait_for_workers(address: str, count: int) -> None:
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=START_SECONDS)


def _tree(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_two_workers_make_the_same_bytes_and_one_may_die_in_mid_build(
    built: Built, city_data: Path, tmp_path: Path
) -> None:
    killed_at: list[tuple[str, int, int]] = []
    with _cluster(tmp_path) as running, cluster_executor(running.address) as executor:
        whole = rebuild(city_data, as_of=AS_OF, buckets_per_job=8, executor=executor, out="cluster")
        assert _tree(whole.folder) == _tree(built.folder)

        def kill_one(stage: str, done: int, total: int) -> None:
            if not killed_at:
                assert running.workers[0].poll() is None
                running.workers[0].kill()
                killed_at.append((stage, done, total))

        after_death = build(
            lake=city_data / "lake",
            export=city_data / "exports" / "1",
            out=city_data / "after-death",
            as_of=AS_OF,
            keys=KEYS,
            buckets_per_job=1,
            executor=executor,
            progress=kill_one,
            rulebook=load_rulebook(),
            benefits=load_benefits(),
            catalogue=catalogue(),
        )
    assert killed_at[0][0] == "gather"
    assert killed_at[0][1] < killed_at[0][2]
    assert _tree(after_death) == _tree(built.folder)


def test_a_refusal_crosses_process_borders_whole() -> None:
    with pytest.raises(VerificationFailed) as refused:
        raise pickle.loads(pickle.dumps(VerificationFailed("a", "b", where="c", do="d")))  # noqa: S301 its own bytes
    assert (refused.value.code, refused.value.what) == ("a", "b")
    assert (refused.value.where, refused.value.do) == ("c", "d")


def test_a_scheduler_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    address = "tcp://127.0.0.1:1"
    with (
        pytest.raises(StoreUnavailable, match="cluster_unreachable") as refused,
        cluster_executor(address),
    ):
        raise AssertionError("there is no such cluster")
    assert refused.value.where == address
