"""`chengxin ledger …`: what the batch and an auditor take out of the ledger."""

from pathlib import Path
from typing import Annotated

import typer

from api.commands.existing import LedgerPlace
from api.commands.private import write_for_owner_alone
from api.commands.unreadable import ledger_unavailable

app = typer.Typer(name="ledger", help="The ledger of enrolments.", no_args_is_help=True)


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
    """The folder written. Raises InputRefused for a position not reached, StoreUnavailable."""
    from api.ledger.export import LedgerExport, PositionUnknown
    from api.ledger.protocol import LedgerError
    from api.ledger.sqlite import ledger_path
    from scoring.errors import InputRefused
    from scoring.ledger_export import write_export

    # An address may hold a password: it is not repeated.
    where = "" if ledger else str(ledger_path(data))
    try:
        with LedgerExport(ledger or ledger_path(data), position) as state:
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
