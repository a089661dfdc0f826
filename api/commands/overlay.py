"""`chengxin overlay`: citizens with new events, rebuilt and laid over the served version.

Runs until it is stopped; may be killed at any moment, and any number may run. Exit codes of
`--once`: 0 done, also where nothing is served, 5 snapshot or lake on the disk are not what is
served, 7 store or ledger is not there.
"""

import datetime as dt
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.existing import LedgerPlace, StoreUrl, store_url
from api.log_lines import JsonLines
from scoring.errors import ChengxinError

if TYPE_CHECKING:
    from scoring.overlay.changes import LedgerChanges
    from scoring.overlay.overlay import Laid, Overlay

log = logging.getLogger("chengxin.overlay")

EVERY_SECONDS = 15.0  # the promise is a minute; a round without news is two reads

Data = Annotated[
    Path, typer.Option("--data", help="Data directory: keys, lake, ledger, snapshots.")
]
Once = Annotated[bool, typer.Option("--once", help="One round, then end.")]
Every = Annotated[float, typer.Option("--every", help="Seconds between rounds.", min=0.1)]


def overlay(
    data: Data = Path("data"),
    store: StoreUrl = None,
    ledger: LedgerPlace = None,
    once: Once = False,
    every: Every = EVERY_SECONDS,
) -> None:
    """Rebuild citizens with events since the build and lay them over the served version."""
    url = store_url(data, store)
    running = overlay_of(data, ledger)
    if once:
        _tell(_round(running, url), typer.echo)
        return
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    last_code = ""
    while True:
        began = time.monotonic()
        try:
            _tell(_round(running, url), log.info)
            last_code = ""
        except ChengxinError as error:
            if error.code != last_code:  # once an outage
                log.warning("overlay waits: %s", error)
            last_code = error.code
        time.sleep(max(0.0, began + every - time.monotonic()))


def overlay_of(data: Path, ledger: str | None = None) -> "Overlay":
    """Raises VerificationFailed where a key is missing."""
    from scoring.keys import key_files, read_symmetric_key
    from scoring.overlay.overlay import Overlay
    from scoring.signing import read_verifying_key

    files = key_files(data)
    return Overlay(
        lake=data / "lake",
        snapshots=data / "snapshots",
        snapshot_key=read_symmetric_key(files.snapshot),
        public_key=read_verifying_key(files.signing_public),
        changes_after=lambda position: changes_after(data, position, ledger),
    )


def changes_after(data: Path, position: int, place: str | None = None) -> "LedgerChanges":
    """What the ledger says of citizens with events after `position`. Raises StoreUnavailable."""
    import polars as pl

    from api.ledger.enrolment import CITY_CLOCK, city_day
    from api.ledger.notice import load_notices
    from api.ledger.protocol import LedgerError
    from api.ledger.sqlite import ledger_path
    from api.ledger_export.tables import LedgerExport
    from scoring.errors import StoreUnavailable
    from scoring.overlay.changes import CHANGED, ENROLLED, STATES, LedgerChanges

    # An address may hold a password: it is not repeated.
    where = "" if place else str(ledger_path(data))
    too_old = load_notices().too_old_on(dt.datetime.now(CITY_CLOCK).date())
    try:
        with LedgerExport(place or ledger_path(data)) as ledger:
            changed = ledger.changed_since(position)
            subjects = [subject for subject, _ in changed]
            enrolled = [
                (subject, version)
                for subject, _, version in ledger.enrolments_of(subjects)
                if version not in too_old
            ]
            states = ledger.record_states_of(subjects)
            days: list[tuple[str, dt.date]] = [(who, city_day(at_ms)) for who, at_ms in changed]
            return LedgerChanges(
                ledger.position,
                pl.DataFrame(days, schema=CHANGED, orient="row"),
                pl.DataFrame(enrolled, schema=ENROLLED, orient="row"),
                pl.DataFrame(states, schema=STATES, orient="row"),
            )
    except LedgerError as error:
        raise StoreUnavailable(
            "ledger_unavailable", str(error), where=where, do="see that the ledger is there"
        ) from error


def _round(running: "Overlay", url: str) -> "Laid | None":
    from scoring.store.connection import StoreConnection

    with StoreConnection.open(url) as connection:
        return running.round(connection)


def _tell(laid: "Laid | None", say: Callable[[str], None]) -> None:
    if laid is not None and (laid.citizens or laid.is_moved):
        what = "another snapshot is served now" if laid.is_moved else f"{laid.citizens:,} citizens"
        say(f"{laid.snapshot} at ledger position {laid.position}: {what}")
