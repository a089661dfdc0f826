"""`chengxin audit …`: signed heads of the log, audits against them, and proofs.

A copy of the log is checked with `--ledger COPY`, with its `-wal` file beside it, and against heads
kept elsewhere with `--heads FOLDER`. Exit codes and codes:

    0  done and whole
    4  proof_unreadable     the file is not there, or no proof
    5  log_broken           the log is not the one that was signed; the first broken index is named
       head_wrong           a head is cut off, changed, of another log or of another key
       heads_missing        nothing was ever signed, so nothing can be held against the log
       key_unreadable       the public key is not there, or no Ed25519 key
       proof_wrong          a proof does not lead to the signed root
       event_unknown, not_yet_signed, head_refused, head_exists, proof_refused
    7  ledger_unavailable   the ledger is not there, is none, or cannot be read
"""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.unreadable import ledger_unavailable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from api.ledger.audit.auditing import AuditReport, Broken
    from api.ledger.audit.folders import StoredHead
    from api.ledger.audit.log import EventLog
    from api.ledger.audit.proving import Proof

app = typer.Typer(name="audit", help="Is the log what was signed?", no_args_is_help=True)

Data = Annotated[Path, typer.Option("--data", help="Data directory.", metavar="DIR")]
LedgerPlace = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        help="File, sqlite:///… or postgresql://… ; default: the ledger of --data.",
        metavar="PLACE",
        envvar="CHENGXIN_LEDGER_URL",
    ),
]
PublicKey = Annotated[
    Path | None,
    typer.Option("--key", help="The log's public key; default: that of --data.", metavar="PEM"),
]
Origin = Annotated[str, typer.Option("--origin", help="Name of the log in its heads.")]
DEFAULT_ORIGIN = "chengxin.example/ledger"


@app.command()
def head(
    data: Data = Path("data"), ledger: LedgerPlace = None, origin: Origin = DEFAULT_ORIGIN
) -> None:
    """Sign the log as it is now. Run each hour; a log that was rewritten is not signed."""
    from api.ledger.audit.heads import HeadWrong
    from api.ledger.audit.keeping import HeadRefused, make_head
    from scoring.keys import key_files
    from scoring.signing import read_signing_key

    key = read_signing_key(key_files(data).log)
    with _log(data, ledger) as log, _progress("hash", log) as advance:
        try:
            path, signed = make_head(
                data, log, key, dt.datetime.now(dt.UTC), origin=origin, on_progress=advance
            )
        except (HeadRefused, HeadWrong) as error:
            raise _broken("head_refused", str(error), "chengxin audit verify") from error
        except FileExistsError as error:
            raise _broken("head_exists", "this second has its head", "try again") from error
    print(f"{path.name}: {signed.size:,} events, root {signed.root.hex()}")


@app.command()
def verify(
    data: Data = Path("data"),
    ledger: LedgerPlace = None,
    heads: Annotated[
        Path | None,
        typer.Option(
            help="Folder of heads kept elsewhere; default: those of --data.", metavar="FOLDER"
        ),
    ] = None,
    key: PublicKey = None,
    origin: Origin = DEFAULT_ORIGIN,
) -> None:
    """Hash every event anew and hold each signed head against it."""
    from api.ledger.audit.auditing import audit
    from api.ledger.audit.folders import heads_folder, tree_folder
    from api.ledger.audit.hash_files import HashFiles

    signed = _heads(heads or heads_folder(data), _public_key(data, key), origin)
    tree_hash = signed[-1].head.tree_hash
    with (
        _log(data, ledger) as log,
        HashFiles(tree_folder(data), tree_hash) as kept,
        _progress("verify", log) as advance,
    ):
        report = audit(log, signed, kept, advance)
    if report.broken is not None:
        raise _broken("log_broken", _told(report.broken), "keep this copy; restore a whole one")
    print(_summary(report))


@app.command()
def prove(
    seq: Annotated[int, typer.Argument(help="Number of the event, from 1.", min=1)],
    *,
    data: Data = Path("data"),
    ledger: LedgerPlace = None,
    since: Annotated[
        int | None,
        typer.Option(help="Prove instead that the head at SEQ events continues the one at SINCE."),
    ] = None,
    key: PublicKey = None,
    origin: Origin = DEFAULT_ORIGIN,
) -> None:
    """Print a proof as JSON: that the event stands in the log, or that one head continues another."""
    import msgspec

    proof = _proof(seq=seq, since=since, data=data, ledger=ledger, key=key, origin=origin)
    print(msgspec.json.encode(proof).decode())


@app.command()
def check(
    proof: Annotated[Path, typer.Argument(help="A proof as printed by prove.", dir_okay=False)],
    data: Data = Path("data"),
    key: PublicKey = None,
    origin: Origin = DEFAULT_ORIGIN,
) -> None:
    """Check a proof with nothing but the log's public key."""
    import msgspec

    from api.ledger.audit.heads import HeadWrong
    from api.ledger.audit.proving import (
        EventProof,
        Proof,
        verify_continuity_proof,
        verify_event_proof,
    )
    from api.ledger.enrolment import instant
    from api.ledger.merkle.verifying import ProofWrong
    from scoring.errors import InputRefused

    public = _public_key(data, key)
    try:
        given = msgspec.json.decode(proof.read_bytes(), type=Proof)
    except (OSError, msgspec.DecodeError) as error:
        raise InputRefused(
            "proof_unreadable", str(error), where=str(proof), do="ask for the proof again"
        ) from error
    try:
        if isinstance(given, EventProof):
            event, signed = verify_event_proof(given, public, origin=origin)
            print(
                f"event {event.seq}, {event.kind}, of {instant(event.at_ms):%Y-%m-%d %H:%M:%S} UTC, "
                f"stands in the log of {signed.size:,} events signed at {signed.at}"
            )
            print(event.body.decode())
        else:
            first, second = verify_continuity_proof(given, public, origin=origin)
            print(f"the log of {second.size:,} events continues that of {first.size:,}")
    except (ProofWrong, HeadWrong) as error:
        raise _broken("proof_wrong", str(error), "ask for the proof again") from error


def _proof(
    *, seq: int, since: int | None, data: Path, ledger: str | None, key: Path | None, origin: str
) -> "Proof":
    from api.ledger.audit.heads import HeadWrong
    from api.ledger.audit.proving import NotYetSigned, prove_continuity, prove_event
    from api.ledger.canonical import event_in
    from api.ledger.merkle.tree import ProofRefused

    public = _public_key(data, key)
    try:
        if since is not None:
            return prove_continuity(data, since, seq, public, origin=origin)
        with _log(data, ledger) as log:
            return prove_event(data, event_in(log.leaf(seq)), public, origin=origin)
    except KeyError as error:
        raise _broken("event_unknown", f"there is no event {seq}", "see the position") from error
    except NotYetSigned as error:
        raise _broken(
            "not_yet_signed", f"no head for it: {error}", "chengxin audit head"
        ) from error
    except (HeadWrong, ProofRefused, ValueError) as error:
        raise _broken("proof_refused", str(error), "chengxin audit verify") from error


@contextlib.contextmanager
def _log(data: Path, place: str | None) -> "Iterator[EventLog]":
    from api.ledger.places import open_log
    from api.ledger.protocol import LedgerError
    from api.ledger.sqlite import ledger_path

    place = place or str(ledger_path(data))
    try:
        with open_log(place) as log:
            yield log
    except LedgerError as error:
        raise ledger_unavailable(error) from error


def _heads(folder: Path, key: "Ed25519PublicKey", origin: str) -> "list[StoredHead]":
    from api.ledger.audit.folders import stored_heads
    from api.ledger.audit.heads import HeadWrong

    try:
        heads = stored_heads(folder, key, origin)
    except (HeadWrong, OSError) as error:
        raise _broken("head_wrong", str(error), "compare it with a published copy") from error
    if not heads:
        raise _broken("heads_missing", f"no signed head in {folder}", "name those kept elsewhere")
    return heads


def _public_key(data: Path, key: Path | None) -> "Ed25519PublicKey":
    from scoring.keys import key_files
    from scoring.signing import read_verifying_key

    return read_verifying_key(key or key_files(data).log_public)


def _broken(code: str, what: str, do: str) -> Exception:
    from scoring.errors import VerificationFailed

    return VerificationFailed(code, what, do=do)


def _told(broken: "Broken") -> str:
    where = (
        f"first broken index {broken.index} (event {broken.index + 1})"
        if broken.is_exact
        else f"first broken index from {broken.index} to {broken.before - 1}"
    )
    return f"{where}: {broken.what}; {broken.head or 'no head'} does not hold"


def _summary(report: "AuditReport") -> str:
    later = report.events - report.covered
    return (
        f"{report.events:,} events, {report.heads:,} heads: all as signed; "
        f"{later:,} events since the last head"
    )


def _events_in(log: "EventLog") -> int | None:
    from api.ledger.protocol import LedgerUnavailable

    try:
        return log.position()
    except LedgerUnavailable:  # an audit of it may still say where it breaks off
        return None


@contextlib.contextmanager
def _progress(step: str, log: "EventLog") -> Iterator[Callable[[int], None]]:
    """Told the number of events done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(step, total=_events_in(log))
        yield lambda done: progress.update(task, completed=done)
