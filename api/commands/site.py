"""`chengxin site build` and `chengxin site check`.

The site's scripts run in a process of their own: `site` is a module of the standard library and
cannot be imported as a package, and MkDocs keeps settings in its process.
"""

import datetime as dt
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from scoring.errors import ChengxinError, InputRefused, VerificationFailed
from scoring.keys import key_files

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_OUT = ROOT / "build" / "site"
DEFAULT_URL = "https://chengxin.example/"

app = typer.Typer(help="The public site.", no_args_is_help=True)


@app.command("build")
def site_build(
    *,
    data: Annotated[
        Path | None, typer.Option(help="data directory whose served snapshot is shown")
    ] = None,
    out: Annotated[Path, typer.Option(help="where the site goes")] = DEFAULT_OUT,
    snapshot: Annotated[
        Path | None, typer.Option(help="this snapshot's folder instead of the served one")
    ] = None,
    url: Annotated[str, typer.Option(help="public address of the site")] = DEFAULT_URL,
    as_of: Annotated[
        str | None, typer.Option(help="ISO day whose rules are shown without a snapshot; today")
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(help="public key set for the voucher page; that of the data directory"),
    ] = None,
) -> None:
    """Build the static site from a snapshot, or from the repository's own rules without one."""
    with tempfile.TemporaryDirectory(prefix="chengxin-site-") as folder:
        arguments = ["--out", str(out)]
        keys = keys or _public_keys_of(data, Path(folder) / "jwks.json")
        given = {"--data": data, "--snapshot": snapshot, "--as-of": as_of, "--keys": keys}
        for name, value in given.items():
            arguments += [name, str(value)] if value is not None else []
        typer.echo(_run("build_pages.py", arguments, url, "site_build_refused"))


def _public_keys_of(data: Path | None, target: Path) -> Path | None:
    """The public halves of the service's signing keys in `data`, as a file; None without one."""
    if data is None or not key_files(data).api_signing.is_file():
        return None
    from api.partner.own_tokens import TokenIssuer

    issuer = TokenIssuer(key_files(data).api_signing, issuer="", audience="")
    target.write_bytes(issuer.jwks)
    return target


@app.command("check")
def site_check(
    site: Annotated[Path, typer.Option(help="the built site")] = DEFAULT_OUT,
    as_of: Annotated[str | None, typer.Option(help="ISO day to judge freshness by; today")] = None,
    url: Annotated[str, typer.Option(help="public address of the site")] = DEFAULT_URL,
) -> None:
    """Look for dead links, empty columns, texts without source or date, foreign hosts, stale figures."""
    day = as_of or dt.datetime.now(dt.UTC).date().isoformat()
    arguments = ["--site", str(site), "--as-of", day, "--own-url", url]
    typer.echo(_run("check_pages.py", arguments, url, "site_check_failed"))


def _run(script: str, arguments: list[str], url: str, code: str) -> str:
    """What the script printed. Raises the error whose exit code it ended with."""
    path = ROOT / "site" / script
    if not path.is_file():
        raise InputRefused(
            "site_sources_missing",
            "the site's sources are not beside the installed command",
            where=str(path),
            do="run from a clone of the repository",
        )
    environment = {**os.environ, "CHENGXIN_SITE_URL": url}
    done = subprocess.run(
        [sys.executable, str(path), *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        kinds: dict[int, type[ChengxinError]] = {
            kind.exit_code: kind for kind in (InputRefused, VerificationFailed)
        }
        refusal = kinds.get(done.returncode, ChengxinError)
        raise refusal(code, done.stderr.strip(), where=script)
    return done.stdout.strip()
