"""The machine: room on its disks, who may read the data, its clock, and whether timers ran."""

import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from api.commands.doctor.finding import Finding, Installation, fault, warning
from api.ledger.places import file_at, is_postgres
from scoring.contract.snapshot import Manifest

SHORT_SHARE, FULL_SHARE = 0.15, 0.03
# A build writes a snapshot beside the newest, and its tables while it sorts.
SNAPSHOTS_AHEAD = 2
PRIVATE_FOLDERS = ("keys", "lake", "ledger", "exports", "snapshots", "overlays", "incoming")
TIMERS = ("chengxin-head", "chengxin-nightly", "chengxin-overlay", "chengxin-retention")


def check_disk(place: Installation) -> Iterator[Finding]:
    folders = [place.data]
    if not is_postgres(place.ledger):
        folders.append(file_at(place.ledger).parent)
    seen = set()
    for folder in folders:
        try:
            disk, device = place.disk(folder), folder.stat().st_dev
        except OSError:
            continue  # said of the data directory or of the ledger
        if device in seen:
            continue
        seen.add(device)
        share = disk.free_bytes / disk.total_bytes
        need = SNAPSHOTS_AHEAD * _newest_bytes(place.data) if folder == place.data else 0
        if share < FULL_SHARE:
            yield fault(
                "disk_full",
                f"{share:.1%} is free: the ledger will soon refuse, then nobody can join or leave",
                where=folder,
                do="make room or grow the disk; never remove ledger.sqlite-wal",
            )
        elif share < SHORT_SHARE or disk.free_bytes < need:
            yield warning(
                "disk_short",
                f"{disk.free_bytes / 1e9:.1f} GB, {share:.0%}, are free",
                where=folder,
                do="remove old folders of exports and snapshots, or grow the disk",
            )


def _newest_bytes(data: Path) -> int:
    from scoring.errors import ChengxinError
    from scoring.publish.folders import newest_snapshot
    from scoring.publish.verify import MANIFEST_FILE

    try:
        manifest = (newest_snapshot(data / "snapshots") / MANIFEST_FILE).read_bytes()
    except (ChengxinError, FileNotFoundError):  # there is none, or it is just ending
        return 0
    return sum(part.size_bytes for part in msgspec.json.decode(manifest, type=Manifest).files)


def check_folders(place: Installation) -> Iterator[Finding]:
    if not place.data.is_dir():
        yield fault(
            "data_missing",
            "there is no data directory",
            where=place.data,
            do="name it with --data; in a new city: chengxin keys make",
        )
        return
    if not place.data.stat().st_mode & stat.S_IXOTH:
        return  # nobody else gets as far as the folders inside
    for name in PRIVATE_FOLDERS:
        folder = place.data / name
        if folder.is_dir() and folder.stat().st_mode & (stat.S_IRWXO | stat.S_IWGRP):
            yield fault(
                "data_open_to_others",
                "other accounts of this machine may read or change what is about people",
                where=folder,
                do="chmod -R go-rwx",
            )


def check_clock(place: Installation) -> Iterator[Finding]:
    said = place.ask(("timedatectl", "show", "--property=NTPSynchronized", "--value"))
    if said is not None and said.strip() == "no":
        yield warning(
            "clock_unsynchronised",
            "no time server sets this machine's clock",
            where="the clock",
            do="timedatectl set-ntp true",
        )


def check_timers(place: Installation) -> Iterator[Finding]:
    """Where there is no systemd, the ages of heads, snapshot, overlay and retention tell."""
    for name in TIMERS:
        timer, service = _state(place, f"{name}.timer"), _state(place, f"{name}.service")
        if timer is None or service is None:
            return
        if timer.get("ActiveState") != "active":
            yield fault(
                "timer_inactive",
                "this timer does not run",
                where=f"{name}.timer",
                do=f"systemctl enable --now {name}.timer",
            )
        if service.get("LoadState") == "loaded" and service.get("Result") != "success":
            yield fault(
                "timer_failed",
                f"its last run ended with exit code {service.get('ExecMainStatus', 'unknown')}",
                where=f"{name}.service",
                do=f"journalctl -u {name} -n 50",
            )


def _state(place: Installation, unit: str) -> dict[str, str] | None:
    properties = "--property=LoadState,ActiveState,Result,ExecMainStatus"
    said = place.ask(("systemctl", "show", unit, properties))
    if said is None:
        return None
    pairs = (line.partition("=") for line in said.splitlines() if "=" in line)
    return {name: value for name, _, value in pairs}
