"""The snapshot store: reachable, with limits that fit, not evicting, with room; and what it serves."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from api.commands.doctor.finding import Finding, Installation, fault, warning
from scoring.contract.snapshot import MARKS_KEY, STORE_CONFIG, Manifest, manifest_key
from scoring.errors import ChengxinError, StoreUnavailable, VerificationFailed
from scoring.store.connection import StoreConnection, StoreRefused

LOOPBACK = ("127.0.0.1", "::1", "localhost")
LEAST_VERSION = (7, 0)  # what scripts with flags need
FULL_SHARE = 0.8  # a publish loads one version more
OLD = dt.timedelta(days=2)
TOO_OLD = dt.timedelta(days=2, hours=12)  # as deploy/alerts.yml
OVERLAY_LATE = dt.timedelta(minutes=5)  # the promise is a minute


def check_store(place: Installation) -> Iterator[Finding]:
    try:
        with StoreConnection.open(place.store_url) as store:
            yield from _address(store)
            yield from _settings(store)
            yield from _server(store)
            yield from _served(place, store)
    except StoreRefused as error:
        yield fault(
            "store_refused", error.what, where="CHENGXIN_STORE_URL", do="grant it, see docs"
        )
    except StoreUnavailable as error:
        yield fault(error.code, error.what, where=error.where, do=error.do)


def _address(store: StoreConnection) -> Iterator[Finding]:
    address = store.address
    if not (address.socket_path or address.is_tls or address.host in LOOPBACK):
        yield warning(
            "store_in_clear",
            "scores cross the network without TLS",
            where="CHENGXIN_STORE_URL",
            do="use rediss://, or a unix socket",
        )


def _setting(store: StoreConnection, name: str) -> str | None:
    """None where the store does not tell."""
    try:
        reply = store.call("CONFIG", "GET", name)
    except StoreRefused:
        return None
    return reply[1].decode() if len(reply) > 1 else None


def _settings(store: StoreConnection) -> Iterator[Finding]:
    where = "deploy/valkey/chengxin.conf"
    policy = _setting(store, "maxmemory-policy")
    if policy is None:
        yield warning(
            "store_settings_hidden",
            "CONFIG GET is refused: its limits are not known",
            where="CHENGXIN_STORE_URL",
            do="allow the account CONFIG|GET, or look yourself",
        )
        return
    if policy != "noeviction":
        yield fault(
            "store_evicts",
            f"maxmemory-policy is {policy}: records and live consents may vanish",
            where=where,
            do="set maxmemory-policy noeviction",
        )
    if _setting(store, "maxmemory") == "0":
        yield warning(
            "store_memory_unlimited",
            "without maxmemory the system ends the store when memory runs out",
            where=where,
            do="set maxmemory",
        )
    for name, least in STORE_CONFIG.items():
        if int(_setting(store, name) or 0) < int(least):
            yield fault(
                "store_limits_low",
                f"{name} is below {least}: buckets need three times the memory, publish refuses",
                where=where,
                do=f"set {name} {least}",
            )


def _server(store: StoreConnection) -> Iterator[Finding]:
    facts = _info(store)
    version = facts.get("valkey_version") or facts.get("redis_version", "0.0")
    if tuple(int(part) for part in version.split(".")[:2]) < LEAST_VERSION:
        yield fault(
            "store_too_old",
            f"version {version}",
            where="the store",
            do="install Valkey 7.2 or Redis 7.0 or newer",
        )
    used, limit = int(facts.get("used_memory", 0)), int(facts.get("maxmemory", 0))
    if limit and used > FULL_SHARE * limit:
        yield warning(
            "store_memory_short",
            f"{used / limit:.0%} of maxmemory is used: the next publish may not fit",
            where="the store",
            do="chengxin prune, or raise maxmemory",
        )


def _info(store: StoreConnection) -> dict[str, str]:
    try:
        text = store.call("INFO", "server", "memory").decode()
    except StoreRefused:
        return {"redis_version": "9.9"}  # not told: not judged
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name: value for name, _, value in pairs}


def _served(place: Installation, store: StoreConnection) -> Iterator[Finding]:
    from scoring.publish.pointers import manifest_in, served_id

    snapshot = served_id(store)
    manifest = manifest_in(store, snapshot) if snapshot is not None else None
    if snapshot is None or manifest is None:
        yield fault(
            "nothing_served",
            "the store is empty: partners get 503, citizens the last good copy",
            where="the store",
            do="chengxin publish",
        )
        return
    yield from _age(place, manifest)
    yield from _files(place, store, snapshot)
    yield from _waiting(place, manifest)
    if store.call("EXISTS", MARKS_KEY) == 0:
        yield warning(
            "marks_missing",
            "who left or joined since the build is not in the store",
            where="the store",
            do="start the service: it brings them from the ledger before it answers",
        )
    yield from _overlay(place, store, manifest)


def _age(place: Installation, manifest: Manifest) -> Iterator[Finding]:
    began = dt.datetime.combine(manifest.as_of, dt.time(), dt.UTC)
    age = place.now - began
    # a day of the city begins up to a day before that of UTC
    if -age > dt.timedelta(days=1):
        yield fault(
            "served_from_future",
            f"as of {manifest.as_of}: the clock is wrong, or the build's day was",
            where=manifest.snapshot,
            do="set the clock, or chengxin rollback",
        )
    elif age > OLD:
        say = fault if age > TOO_OLD else warning
        yield say(
            "served_old",
            f"as of {manifest.as_of}: nightly builds were not published",
            where=manifest.snapshot,
            do="journalctl -u chengxin-nightly, then systemctl start chengxin-nightly",
        )


def _files(place: Installation, store: StoreConnection, snapshot: str) -> Iterator[Finding]:
    from scoring.keys import key_files
    from scoring.publish.verify import MANIFEST_FILE, verify
    from scoring.signing import read_verifying_key

    folder = place.data / "snapshots" / snapshot
    if not (folder / MANIFEST_FILE).is_file():
        yield warning(
            "served_files_missing",
            "no copy of what is served: if the store were lost, so would be every answer",
            where=folder,
            do="copy the folder here from where it was built",
        )
        return
    if (folder / MANIFEST_FILE).read_bytes() != store.call("GET", manifest_key(snapshot)):
        yield fault(
            "served_differs",
            "the store's manifest is not the one of the files",
            where=folder,
            do="chengxin verify, then chengxin publish",
        )
    if place.is_quick:
        return
    try:
        verify(folder, read_verifying_key(key_files(place.data).signing_public))
    except VerificationFailed as error:
        if error.code != "key_unreadable":  # said of the keys
            yield fault(
                "served_files_wrong",
                f"{error.code}: the files of what is served are not as signed",
                where=folder / error.where,
                do="restore the folder from backup, or build and publish anew",
            )


def _waiting(place: Installation, served: Manifest) -> Iterator[Finding]:
    from scoring.publish.folders import newest_snapshot

    try:
        newest: Path = newest_snapshot(place.data / "snapshots")
    except ChengxinError:
        return
    if newest.name != served.snapshot:
        yield warning(
            "snapshot_waiting",
            f"{served.snapshot} is served: the newest was rolled back, refused or forgotten",
            where=newest,
            do="chengxin verify and chengxin publish, or remove it",
        )


def _overlay(place: Installation, store: StoreConnection, manifest: Manifest) -> Iterator[Finding]:
    from api.ledger.protocol import LedgerError
    from api.ledger_export.tables import LedgerExport, PositionUnknown
    from scoring.overlay.lay import last_run, position_laid

    reached = max(manifest.ledger_position, position_laid(store, manifest.snapshot) or 0)
    try:
        with LedgerExport(place.ledger) as ledger:
            if manifest.ledger_position > ledger.position:
                yield fault(
                    "served_beyond_ledger",
                    "what is served is of a longer ledger: an older one was restored beneath it",
                    where=manifest.snapshot,
                    do="empty the store, then export, build and publish anew",
                )
            waiting = [at_ms for _, at_ms in ledger.changed_since(reached)]
    except (LedgerError, PositionUnknown):
        return  # said of the ledger
    late = [at_ms for at_ms in waiting if place.now_ms - at_ms > _ms(OVERLAY_LATE)]
    if late:
        yield fault(
            "overlay_late",
            f"{len(late):,} citizens joined, left or disputed, and their scores do not know it",
            where="chengxin-overlay.timer",
            do="chengxin overlay --once, and see why the timer did not",
        )
    run = last_run(store)
    if run is not None and not late and place.now_ms - run.at_seconds * 1_000 > _ms(OVERLAY_LATE):
        yield warning(
            "overlay_silent",
            f"it last ended well at {dt.datetime.fromtimestamp(run.at_seconds, dt.UTC):%F %T} UTC;"
            " whoever joins, leaves or disputes now waits for it",
            where="chengxin-overlay.timer",
            do="chengxin overlay --once, and see why the timer did not",
        )


def _ms(time: dt.timedelta) -> int:
    return time // dt.timedelta(milliseconds=1)
