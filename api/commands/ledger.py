"""`chengxin ledger …`: what the batch and an auditor take out of the ledger."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(name="ledger", help="The ledger of enrolments.", no_args_is_help=True)


@app.command("export")
def export(
    data: Annotated[Path, typer.Option(help="Data directory.", file_okay=False)] = Path("data"),
    position: Annotated[
        int | None, typer.Option(help="Number of the last event to fold in; default: all.", min=0)
    ] = None,
) -> None:
    """Write the state after an event as tables for the build, to DATA/exports/<position>."""
    print(export_ledger(data, position))


def export_ledger(data: Path, position: int | None = None) -> Path:
    """The folder written. Raises InputRefused for a position not reached, StoreUnavailable."""
    from api.ledger.export import LedgerExport, PositionUnknown
    from api.ledger.protocol import LedgerError
    from api.ledger.sqlite import ledger_path
    from scoring.errors import InputRefused, StoreUnavailable
    from scoring.ledger_export import write_export

    path = ledger_path(data)
    try:
        with LedgerExport(path, position) as ledger:
            return write_export(
                data / "exports",
                ledger.position,
                enrolments=ledger.enrolments(),
                record_states=ledger.record_states(),
            )
    except PositionUnknown as error:
        raise InputRefused("position_unknown", str(error), where=str(path)) from error
    except LedgerError as error:
        raise StoreUnavailable(
            "ledger_unavailable", str(error), where=str(path), do="see that the file is there"
        ) from error
