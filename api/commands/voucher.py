"""`chengxin voucher verify`: what a gate does with a voucher, without network.

Exit codes: 0 accepted, 5 refused (the code on stderr says why), 4 the key file cannot be used,
2 wrong usage.
"""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scoring.errors import InputRefused, StoreUnavailable, VerificationFailed

if TYPE_CHECKING:
    from api.keys import KeySet

app = typer.Typer(name="voucher", help="Vouchers that citizens show.", no_args_is_help=True)

WORDS = {
    "voucher_malformed": "not a voucher, or changed on its way",
    "voucher_not_ours": "none of these keys signed it",
    "voucher_for_another_partner": "it is for another partner",
    "voucher_for_another_policy": "it is for another benefit",
    "voucher_expired": "its time is over",
    "voucher_from_the_future": "it lives longer than vouchers do: is this gate's clock right?",
    "voucher_used": "it has been used at this gate",
}


@app.callback()
def vouchers() -> None:
    """Vouchers that citizens show."""


@app.command("verify")
def verify(
    token: Annotated[
        str, typer.Argument(help="The voucher, a file that holds it, or - for stdin.")
    ],
    *,
    audience: Annotated[str, typer.Option(help="Partner id this gate belongs to.")],
    policy: Annotated[str, typer.Option(help="Benefit this gate opens for.")],
    key: Annotated[Path, typer.Option(help="JWK set as published, or a PEM public key.")],
    seen: Annotated[
        Path | None, typer.Option(help="The gate's memory; a voucher is accepted once.")
    ] = None,
    at: Annotated[
        int | None, typer.Option(help="Unix second to judge by; default: now.", min=0)
    ] = None,
) -> None:
    """Check signature, partner, benefit and time; with --seen also that it is the first use."""
    import sqlite3

    from api.vouchers.replay import use_in_file
    from api.vouchers.verify import VoucherRefused, verified_voucher

    now = int(time.time()) if at is None else at
    keys = _keys_in(key)
    try:
        voucher = verified_voucher(
            _token_of(token), keys, audience=audience, policy=policy, now=now
        )
        if seen is not None:
            use_in_file(seen, voucher, now)
    except VoucherRefused as refused:
        raise VerificationFailed(refused.code, WORDS[refused.code]) from refused
    except sqlite3.Error as error:
        raise StoreUnavailable("gate_memory_unusable", str(error), where=str(seen)) from error
    typer.echo(f"accepted for {voucher.exp - now} s more")


def _token_of(argument: str) -> str:
    if argument == "-":
        return sys.stdin.read(4_096).strip()
    path = Path(argument)
    try:
        is_file = path.is_file()
    except OSError:  # a name too long for a file
        is_file = False
    return path.read_text("ascii", errors="replace").strip() if is_file else argument.strip()


def _keys_in(path: Path) -> "KeySet":
    """Raises InputRefused."""
    from api.keys import KeysRefused, key_set_of
    from api.vouchers.verify import key_set_of_pem

    try:
        content = path.read_bytes()
        is_pem = content.lstrip().startswith(b"-----BEGIN")
        return key_set_of_pem(content) if is_pem else key_set_of(content)
    except (OSError, KeysRefused) as error:
        raise InputRefused(
            "key_file_unusable", str(error), where=str(path), do="fetch /.well-known/jwks.json"
        ) from error
