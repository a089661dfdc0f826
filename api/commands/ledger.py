"""`chengxin ledger …`: what the batch and an auditor take out of the ledger."""

from pathlib import Path
from typing import Annotated

import typer

from api.commands.existing import LedgerPlace, ledger_place
from api.commands.private import write_for_owner_alone
from api.commands.unreadable import ledger_unavailable

app = typer.Typer(name="ledger", help="The ledger of enrolments.", no_args_is_help=True)


@app.command("make")
def make(
    data: Annotated[Path, typer.Option(help="Data directory.", file_okay=False)] = Path("data"),
    ledger: LedgerPlace = None,
) -> None:
    """Make the ledger, or bring an older one to this program's schema; events stay as they are."""
    import asyncio

    from api.ledger.places import open_ledger_at
    from api.ledger.protocol import LedgerError

    place = ledger_place(data, ledger)

    async def position() -> int:
        opened = await open_ledger_at(place)
        try:
            return await opened.position()
        finally:
            await opened.close()

    write_for_owner_alone()
    try:
        print(f"{asyncio.run(position()):,} events")
    except LedgerError as error:
        raise ledger_unavailable(error, where="" if ledger else place) from error


@app.command("export")
def export(
    data: Annotated[Path, typer.Option(help="Data directory.", file_okay=False)] = Path("data"),
    position: Annotated[
        int | None, typer.Option(help="Number of the last event to fold in; default: all.", min=0)
    ] = None,
    ledger: LedgerPlace = None,
) -> None:
    """Write the state after an event as tables for the build, to DATA/exports/<position>."""
    write_for_owner_alone()
    print(export_ledger(data, position, ledger))


def export_ledger(data: Path, position: int | None = None, ledger: str | None = None) -> Path:
    """The folder written. Raises InputRefused for a position not reached, StoreUnavailable, and
    VerificationFailed where an export is of a longer ledger than there is: a build would take that
    one, and score people by what is no longer in the log."""
    from api.ledger.protocol import LedgerError
    from api.ledger.sqlite import ledger_path
    from api.ledger_export.tables import LedgerExport, PositionUnknown
    from scoring.errors import InputRefused, VerificationFailed
    from scoring.ledger_export import exported_positions, write_export

    # An address may hold a password: it is not repeated.
    where = "" if ledger else str(ledger_path(data))
    longest = max(exported_positions(data / "exports"), default=0)  # seen before the ledger is
    try:
        with LedgerExport(ledger or ledger_path(data), position) as state:
            if position is None and state.position < longest:
                raise VerificationFailed(
                    "export_beyond_ledger",
                    f"the ledger ends at {state.position}, an export is of {longest}",
                    where=str(data / "exports" / str(longest)),
                    do="an older ledger was restored: see the page 运维, 账本恢复",
                )
            return write_export(
                data / "exports",
                state.position,
                enrolments=state.enrolments(),
                record_states=state.record_states(),
            )
    except PositionUnknown as error:
        raise InputRefused("position_unknown", str(error), where=where) from error
    except LedgerError as error:
        raise ledger_unavailable(error, where=where) from error
