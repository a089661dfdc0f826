"""`chengxin serve`: the HTTP server over a data directory."""

import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from api.commands.private import write_for_owner_alone
from scoring.errors import ChengxinError

APPLICATION = "api.worker:application"


def server_command(*, host: str, port: int, workers: int) -> list[str]:
    """Of `api.server`; the application's place is the last word."""
    options = {"--host": host, "--port": str(port), "--workers": str(workers)}
    words = [word for pair in options.items() for word in pair]
    return [sys.executable, "-m", "api.server", *words, APPLICATION]


def take_turns(process: int = 0) -> None:
    """From here on threads of this process (or that of this id) and of its children do not
    interrupt each other when they wake up, they take turns. A thread that woke for each arriving
    packet interrupted the one that was answering: three switches a request; now one in two. A
    unit with `CPUSchedulingPolicy=batch` has done it already, and may refuse it here."""
    if hasattr(os, "SCHED_BATCH"):  # Linux
        with contextlib.suppress(OSError):
            os.sched_setscheduler(process, os.SCHED_BATCH, os.sched_param(0))


def server_environment(data: Path, given: Mapping[str, str]) -> dict[str, str]:
    return {**given, "CHENGXIN_DATA_DIR": str(data.absolute())}


def check_settings(environment: Mapping[str, str]) -> None:
    """Here rather than in each worker, where a bad value would only show as a worker that dies.
    Raises ChengxinError setting_refused."""
    from api.settings import SettingRefused, settings_from, snapshot_key_of

    try:
        snapshot_key_of(settings_from(environment))
    except SettingRefused as refused:
        raise ChengxinError(
            "setting_refused", str(refused), where=refused.variable, do=f"set {refused.variable}"
        ) from refused


def serve(
    data: Annotated[Path, typer.Option(help="Data directory.")] = Path("data"),
    port: Annotated[int, typer.Option(min=1, max=65_535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=256, help="One for each core.")] = 1,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Serve API and site until stopped. Settings come from CHENGXIN_* variables."""
    environment = server_environment(data, os.environ)
    check_settings(environment)
    write_for_owner_alone()
    take_turns()
    sys.stdout.flush()
    sys.stderr.flush()
    command = server_command(host=host, port=port, workers=workers)
    # The server takes this process over: there is none between it and who started it that could
    # die alone and leave a server nobody knows of.
    os.execve(command[0], command, environment)  # noqa: S606 - a fixed argument list
