"""`chengxin doctor`: is this installation sound? Reads, and changes nothing.

    0  no fault; warnings may be printed (with --strict: nothing at all was found)
    1  at least one fault (with --strict: or a warning)

Each finding has a stable code, what is wrong, where, and what to do. Load the service's environment
first (`set -a; . /etc/chengxin/chengxin.env; set +a`) and run as its account.
"""

import datetime as dt
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from api.commands.doctor.finding import Check, Disk, Finding, Installation, fault
from api.commands.existing import LedgerPlace, StoreUrl, ledger_place, store_url

CERTIFICATE = Path("/etc/chengxin/tls/fullchain.pem")
ANSWER_SECONDS = 10.0
BOOTED_BY_SYSTEMD = Path("/run/systemd/system")


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`sound`: rooms that were looked at and gave no cause for a finding."""

    at: dt.datetime
    faults: int
    warnings: int
    sound: list[str]
    findings: list[Finding]


def doctor(
    *,
    data: Annotated[Path, typer.Option(help="Data directory.")] = Path("data"),
    store: StoreUrl = None,
    ledger: LedgerPlace = None,
    certificate: Annotated[
        Path, typer.Option(help="TLS certificate of the proxy; left out where it is not there.")
    ] = CERTIFICATE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    is_strict: Annotated[bool, typer.Option("--strict", help="Warnings count as faults.")] = False,
    is_quick: Annotated[
        bool, typer.Option("--quick", help="Do not read ledger and snapshot whole.")
    ] = False,
) -> None:
    """Check an installation without changing it; each finding says what, where and what to do."""
    given = {"CHENGXIN_STORE_URL": store_url(data, store)}
    place = Installation(
        data=data,
        store_url=given["CHENGXIN_STORE_URL"],
        ledger=ledger_place(data, ledger),
        environment={**os.environ, **given},
        now=dt.datetime.now(dt.UTC),
        certificate=certificate,
        disk=disk_of,
        ask=ask_this_machine,
        is_quick=is_quick,
    )
    report = examine(place)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(report), indent=1))
    else:
        _print(report)
    if report.faults or (is_strict and report.warnings):
        raise typer.Exit(1)


def checks() -> Mapping[str, Sequence[Check]]:
    """By room, in the order in which one rests on the other."""
    from api.commands.doctor import configuration, keys, machine, partners, store
    from api.commands.doctor import ledger as of_ledger

    return {
        "data": [machine.check_folders],
        "keys": [keys.check_keys],
        "configuration": [configuration.check_settings, configuration.check_terms],
        "ledger": [of_ledger.check_ledger],
        "store": [store.check_store],
        "partners": [partners.check_partners],
        "certificate": [partners.check_certificate],
        "disk": [machine.check_disk],
        "clock": [machine.check_clock],
        "timers": [machine.check_timers],
    }


def examine(place: Installation) -> Report:
    by_room = {
        room: [finding for check in several for finding in _said(check, place)]
        for room, several in checks().items()
    }
    findings = [finding for room in by_room.values() for finding in room]
    return Report(
        at=place.now,
        faults=sum(finding.level == "fault" for finding in findings),
        warnings=sum(finding.level == "warning" for finding in findings),
        sound=[room for room, found in by_room.items() if not found],
        findings=findings,
    )


def _said(check: Check, place: Installation) -> Iterator[Finding]:
    """One check that breaks does not silence the others. Its error's text may name anything: the
    kind alone is told."""
    try:
        yield from check(place)
    except Exception as error:
        yield fault(
            "check_failed",
            f"the check itself ended with {type(error).__name__}",
            where=check.__name__,
            do="run as the service's account; else report it to whoever maintains chengxin",
        )


def _print(report: Report) -> None:
    for finding in report.findings:
        typer.echo(f"{finding.level:<8} {finding.code}  {finding.what}")
        typer.echo(f"           where: {finding.where}")
        typer.echo(f"           do:    {finding.do}")
    if report.sound:
        typer.echo(f"sound    {', '.join(report.sound)}")
    typer.echo(f"{report.faults} faults, {report.warnings} warnings")


def disk_of(folder: Path) -> Disk:
    usage = shutil.disk_usage(folder)
    return Disk(usage.total, usage.free)


def ask_this_machine(words: Sequence[str]) -> str | None:
    if not BOOTED_BY_SYSTEMD.is_dir():
        return None
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, timeout=ANSWER_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


__all__ = ["Installation", "Report", "doctor", "examine"]
