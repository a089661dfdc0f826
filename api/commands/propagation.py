"""`chengxin propagation ID`: has a repaired or removed record left every channel?

Exit codes: 0 gone from all, 5 still there somewhere, 4 nothing was decided about it, 7 store or
ledger cannot be reached.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.existing import LedgerPlace, StoreUrl, existing_ledger, ledger_place, store_url
from scoring.errors import InputRefused, VerificationFailed

if TYPE_CHECKING:
    from api.rights.case import Case
    from scoring.propagation import Channel, Sought


def propagation(
    record: Annotated[str, typer.Argument(metavar="ID", help="Of a record, repair or dispute.")],
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Data directory.")] = Path(
        "data"
    ),
    ledger: LedgerPlace = None,
    store: StoreUrl = None,
    site: Annotated[
        Path | None, typer.Option(help="Built site; the data directory's by default.")
    ] = None,
) -> None:
    """One line for each channel: gone, or still there."""
    sought = _sought(data, record, ledger_place(data, ledger))
    channels = _channels(data, sought, store_url(data, store), site or data / "site")
    width = max(len(channel.name) for channel in channels)
    for channel in channels:
        state = "gone" if channel.is_gone else "still there"
        typer.echo(f"{channel.name:<{width}}  {state:<11}  {channel.note}".rstrip())
    if not all(channel.is_gone for channel in channels):
        raise VerificationFailed(
            "still_there",
            "a channel still has the record",
            do="wait for the overlay's next minute, or build and publish, and ask again",
        )


def _channels(data: Path, sought: "Sought", url: str, site: Path) -> "list[Channel]":
    from scoring import propagation as places
    from scoring.contract.snapshot import CURRENT_KEY
    from scoring.store.connection import StoreConnection

    with StoreConnection.open(url) as store:
        served = places.store_channels(store, sought)
        current = store.call("GET", CURRENT_KEY).decode()
    snapshot = data / "snapshots" / current
    return [
        places.Channel("ledger", True, sought.state),
        *places.export_channels(data / "exports", sought),
        places.snapshot_channel(snapshot, sought),
        *served,
        places.public_channel("open data", snapshot / "documents", sought),
        places.public_channel("site", site, sought),
    ]


def _sought(data: Path, name: str, ledger: str) -> "Sought":
    """Raises InputRefused where no decision takes the record away, StoreUnavailable."""
    from api.rights.record_states import record_state
    from scoring.contract.pseudonyms import snapshot_subject_of
    from scoring.keys import key_files, read_symmetric_key
    from scoring.propagation import Sought

    cases = asyncio.run(_cases(ledger, name))
    state = record_state(cases)
    record_id = cases[0].record_id if cases else None
    if record_id is None or state not in ("repaired", "removed"):
        raise InputRefused(
            "nothing_decided",
            "no decision takes this record away",
            where=name,
            do="name a granted repair, an upheld dispute, or its record",
        )
    subject = cases[0].subject
    snapshot_key = read_symmetric_key(key_files(data).snapshot)
    return Sought(
        record_id=record_id,
        subject=subject,
        snapshot_subject=snapshot_subject_of(snapshot_key, subject),
        state=state,
    )


async def _cases(place: str, name: str) -> "list[Case]":
    """All cases about the record that is meant, or that the named case is about."""
    from api.rights.book import CaseBook

    async with existing_ledger(place) as ledger:
        book = CaseBook(ledger)
        cases = [*await book.cases("dispute"), *await book.cases("repair")]
    meant = next((case.record_id for case in cases if case.id == name), name)
    return [case for case in cases if case.record_id == meant]
