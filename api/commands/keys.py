"""`chengxin keys make`: every key of a data directory, made once and never replaced.
`chengxin keys resign`: snapshots of a signing key that was replaced, signed with the new one.

Lost keys cannot be made again: another lake key gives everybody a second pseudonym. Keep a copy of
the folder in a safe. Exit codes: 0 done, 5 a key is there but cannot be read, or a snapshot is of
neither key or not whole; it is then left as it was, and the others are signed.
"""

import contextlib
import os
import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from scoring.keys import KeyFiles, key_files

app = typer.Typer(name="keys", help="Keys of a data directory.", no_args_is_help=True)
PRIVATE_UMASK = 0o077


@app.callback()
def _group() -> None:
    """A group of its own, so that more can be said about keys later."""


@app.command("make")
def make(
    data: Annotated[Path, typer.Option(help="Data directory.", file_okay=False)] = Path("data"),
) -> None:
    """Make the keys that are missing; existing ones stay as they are."""
    os.umask(PRIVATE_UMASK)
    files = key_files(data)
    make_missing_keys(files)
    for path in sorted(files.lake.parent.glob("[!.]*")):
        typer.echo(path)


def make_missing_keys(files: KeyFiles) -> None:
    """Also the public half of a pair whose making was cut short. Of several who make keys at once
    the first makes each, and all have the same."""
    from api.private_file import make_private_file
    from api.signing_keys import make_signing_key_file
    from scoring.contract.pseudonyms import KEY_BYTES
    from scoring.signing import make_private_half, write_public_half

    files.lake.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in (files.lake, files.snapshot):
        _once(path, lambda path: make_private_file(path, secrets.token_hex(KEY_BYTES).encode()))
    for path in (files.identity, files.api_signing):
        _once(path, make_signing_key_file)
    for private, public in ((files.signing, files.signing_public), (files.log, files.log_public)):
        _once(private, make_private_half)
        _once(public, partial(write_public_half, private))


def _once(path: Path, make: Callable[[Path], None]) -> None:
    if not path.exists():
        with contextlib.suppress(FileExistsError):
            make(path)


@app.command("resign")
def resign(
    old_key: Annotated[
        Path, typer.Argument(help="Public half of the replaced key.", metavar="PEM")
    ],
    data: Annotated[Path, typer.Option(help="Data directory.", file_okay=False)] = Path("data"),
) -> None:
    """Sign the snapshots of a replaced signing key anew, so that histories go on; each is verified
    byte by byte with the old key before."""
    from scoring.errors import VerificationFailed
    from scoring.publish.resigning import resign_snapshot
    from scoring.signing import read_signing_key, read_verifying_key

    key, old = read_signing_key(key_files(data).signing), read_verifying_key(old_key)
    wrong = []
    for manifest in sorted((data / "snapshots").glob("*/manifest.json")):
        name = manifest.parent.name
        try:
            done = resign_snapshot(manifest.parent, old, key)
            typer.echo(f"{name}: {'signed anew' if done else 'of the new key already'}")
        except VerificationFailed as error:
            typer.echo(f"{name}: {error.code}, left as it was", err=True)
            wrong.append(name)
    if wrong:
        raise VerificationFailed(
            "snapshots_not_resigned",
            f"{len(wrong)} snapshots are of neither key, or not whole",
            where=str(data / "snapshots"),
            do="move them away, or restore them from backup and repeat",
        )
