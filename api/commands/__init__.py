"""The `chengxin` command: the only room that knows both batch and service.

Each module is one command or group; heavy libraries are imported inside the commands, so that
`--help` and `serve` start without polars. Refusals end with the exit codes of `scoring.errors`.
"""

import os
import sys

import msgspec
import typer
from rich.console import Console

from api.log_lines import JSON_LOG, say_in_lines
from scoring.errors import ChengxinError, StoreUnavailable

app = typer.Typer(
    name="chengxin",
    help="诚信 · voluntary citizen credit score: build, publish and serve it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _register() -> None:
    from api.commands import (
        audit,
        benefit,
        build,
        decision,
        demo,
        doctor,
        due,
        generate,
        ingest,
        keys,
        ledger,
        lint,
        overlay,
        pia,
        propagation,
        publish,
        quality,
        receipt,
        recompute,
        report,
        retention,
        score,
        serve,
        simulate,
        site,
        uscc,
        voucher,
    )

    for command in (
        demo.demo,
        generate.generate,
        ingest.ingest,
        build.build,
        publish.verify,
        publish.publish,
        publish.rollback,
        publish.prune,
        overlay.overlay,
        serve.serve,
        lint.lint,
        recompute.recompute,
        simulate.simulate,
        uscc.uscc,
        due.due,
        propagation.propagation,
        decision.decision,
        doctor.doctor,
        quality.quality,
    ):
        app.command()(command)
    app.add_typer(keys.app)
    app.add_typer(benefit.app)
    app.add_typer(ledger.app)
    app.add_typer(score.app)
    app.add_typer(receipt.app)
    app.add_typer(audit.app)
    app.add_typer(voucher.app)
    app.add_typer(site.app, name="site")
    app.add_typer(report.app)
    app.add_typer(retention.app)
    app.add_typer(pia.app)


_register()


# What it prints is read by a program: `snapshot=$(chengxin build …)`.
ANSWERS = ("build",)


def main() -> None:
    command = sys.argv[1] if len(sys.argv) > 1 else "chengxin"
    is_log = os.environ.get(JSON_LOG) == "json" and command != "serve"  # the server sees to its own
    if is_log:
        say_in_lines(command, is_answer=command in ANSWERS)
    try:
        app()
    except ChengxinError as error:
        sys.exit(_logged(error) if is_log else _told(error))
    except OSError as error:  # full, read-only, not there, not ours: nothing a stack would explain
        refused = _refused_by_the_machine(error)
        sys.exit(_logged(refused) if is_log else _told(refused))


def _refused_by_the_machine(error: OSError) -> StoreUnavailable:
    return StoreUnavailable(
        "disk_unavailable" if error.filename else "machine_refused",
        error.strerror or str(error),
        where=str(error.filename or ""),
        do="see that it is there, may be written, and has room; then run the command again",
    )


def _logged(error: ChengxinError) -> int:
    """Its exit code."""
    said = {"code": error.code, "message": error.what, "where": error.where, "do": error.do}
    print(msgspec.json.encode(said).decode(), file=sys.stderr)
    return error.exit_code


def _told(error: ChengxinError) -> int:
    """Its exit code. Lines are not wrapped: a path in them can be copied."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"[bold]{error.code}[/bold]", end=" ")
    console.print(error.what, markup=False)
    if error.where:
        console.print(f"  where: {error.where}", markup=False)
    if error.do:
        console.print(f"  do:    {error.do}", markup=False)
    return error.exit_code
