"""Workers of a Dask cluster as an executor: the same jobs on many machines (extra `cluster`).

Lake, exports and snapshots must lie under the same paths on every machine. Dask starts a job again
where its worker died; jobs may be run twice, so that the snapshot has the same bytes.
"""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import polars as pl

from scoring.errors import ChengxinError, StoreUnavailable, VerificationFailed

CONNECT_SECONDS = 5


@contextmanager
def cluster_executor(address: str) -> Iterator[Executor]:
    """`address` of the scheduler, `tcp://…` or, between machines that share a network with others,
    `tls://…` with certificates in Dask's configuration.

    Raises ChengxinError `cluster_not_installed`, StoreUnavailable `cluster_unreachable`,
    VerificationFailed `cluster_differs`.
    """
    with _client(address) as client:
        _check_engines(client)
        # Not pure: what a job leaves is files, and an answer remembered by its arguments has none.
        yield client.get_executor(pure=False)


def _client(address: str) -> Any:
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise ChengxinError(
            "cluster_not_installed", str(error), do="pip install 'chengxin[cluster]'"
        ) from error
    try:
        return distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise StoreUnavailable(
            "cluster_unreachable", str(error), where=address, do="start the scheduler, or go alone"
        ) from error


def _check_engines(client: Any) -> None:
    """Parquet bytes depend on the version of polars."""
    engines: dict[str, str] = client.run(_engine)
    if not engines:
        raise StoreUnavailable("cluster_unreachable", "the cluster has no worker", do="start some")
    foreign = {worker: version for worker, version in engines.items() if version != _engine()}
    if foreign:
        raise VerificationFailed(
            "cluster_differs",
            f"polars is {_engine()} here and {', '.join(sorted(set(foreign.values())))} there",
            where=", ".join(sorted(foreign)),
            do="install the same requirements.lock on every worker",
        )


def _engine() -> str:
    return pl.__version__
