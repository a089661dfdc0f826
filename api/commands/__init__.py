"""The `chengxin` command: the only room that knows both batch and service.

Each module is one command or group; heavy libraries are imported inside the commands, so that
`--help` and `serve` start without polars. Refusals end with the exit codes of `scoring.errors`.
"""

import sys

import typer
from rich.console import Console

from scoring.errors import ChengxinError

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


def main() -> None:
    try:
        app()
    except ChengxinError as error:
        console = Console(stderr=True, highlight=False)
        console.print(f"[bold]{error.code}[/bold]", end=" ")
        console.print(error.what, markup=False)
        if error.where:
            console.print(f"  where: {error.where}", markup=False)
        if error.do:
            console.print(f"  do:    {error.do}", markup=False)
        sys.exit(error.exit_code)
