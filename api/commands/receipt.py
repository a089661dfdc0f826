"""`chengxin receipt verify FILE`: is this consent receipt the office's, and unchanged?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from api.receipts.record import PublicKey

app = typer.Typer(name="receipt", help="Consent receipts.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps `verify` a command of its own while it is the only one."""


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="As downloaded from GET /v1/me/enrolment/receipt.")],
    jwks: Annotated[
        Path | None,
        typer.Option(help="The office's keys, as /.well-known/jwks.json gives them."),
    ] = None,
) -> None:
    """Exit 0: whole and unchanged; 1: not; 2: wrong usage."""
    from api.receipts.signing import verified_receipt
    from scoring.errors import VerificationFailed

    try:
        data = file.read_bytes()
        receipt = verified_receipt(data, None if jwks is None else _keys(jwks))
    except OSError as error:
        typer.echo(f"cannot be read: {error.strerror}", err=True)
        raise typer.Exit(1) from None
    except VerificationFailed as refused:
        typer.echo(f"{refused.code}: {refused.what}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"unchanged · receipt {receipt.receipt_id} · {receipt.enrolled_at.isoformat()}")
    if jwks is None:
        typer.echo(f"key {receipt.proof.kid}: compare it with the office's published keys (--jwks)")


def _keys(path: Path) -> "dict[str, PublicKey]":
    import json

    from api.receipts.record import PublicKey

    found = json.loads(path.read_text("utf-8"))["keys"]
    members = ("kty", "crv", "x", "y")
    return {
        key["kid"]: PublicKey(**{name: key[name] for name in members})
        for key in found
        if key.get("crv") == "P-256"
    }
