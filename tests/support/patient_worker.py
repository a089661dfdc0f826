"""The service as its workers run it, but that it waits for a slow store or ledger (see patience)."""

from typing import Any

from api import worker
from tests.support.patience import patient

_PATIENCE = patient()  # as long as the worker lives


def application() -> Any:
    _PATIENCE.__enter__()
    return worker.application()


def patient_command(command: list[str]) -> list[str]:
    """Of `server_command`; run in the project's folder."""
    return [*command[:-1], f"{__name__}:{application.__name__}"]
