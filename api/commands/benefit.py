"""`chengxin benefit add|check`: one more policy in the benefits register, after the linter.

Exit codes: 0 accepted, 2 a basic service (`basic_service_forbidden`) or wrong usage, 4 refused: the
code is the linter's word, as with `chengxin lint`.
"""

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(name="benefit", help="Policies of the benefits register.", no_args_is_help=True)

LOAN, OTHER = "loan", "other"
Word = Annotated[str | None, typer.Option()]
Number = Annotated[int | None, typer.Option()]
Day = Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"])]
Register = Annotated[Path | None, typer.Option(help="Instead of the edition in the package.")]


def _command(is_written: bool) -> Any:
    def command(
        *,
        id: Word = None,
        scene: Word = None,
        partner: Word = None,
        purpose: Word = None,
        benefit_type: Annotated[
            str | None,
            typer.Option(help="fee_cut, deposit_waiver, fast_lane, pay_later, longer_loan, …"),
        ] = None,
        service_class: Annotated[
            str | None, typer.Option(help="convenience, commercial or cultural; never basic.")
        ] = None,
        kind: Annotated[str, typer.Option(help=f"{LOAN}: money is lent; else {OTHER}.")] = OTHER,
        threshold: Number = None,
        what: Word = None,
        valid_from: Day = None,
        valid_until: Day = None,
        answer_valid_days: Number = 7,
        legal_basis: Word = None,
        status: Annotated[str, typer.Option(help="live or paused")] = "live",
        reason: Word = None,
        author: Word = None,
        second_checker: Word = None,
        review_on: Day = None,
        benefits: Register = None,
    ) -> None:
        if kind not in (LOAN, OTHER):
            raise typer.BadParameter(f"{LOAN} or {OTHER}", param_hint="--kind")
        members = {
            "id": id,
            "scene": scene,
            "partner": partner,
            "purpose": purpose,
            "benefit_type": benefit_type,
            "service_class": service_class,
            "is_loan": kind == LOAN or None,
            "threshold": threshold,
            "what": what,
            "valid_from": _day(valid_from),
            "valid_until": _day(valid_until),
            "answer_valid_days": answer_valid_days,
            "legal_basis": legal_basis,
            "status": status,
            "reason": reason,
            "author": author,
            "second_checker": second_checker,
            "review_on": _day(review_on),
        }
        _judge(members, benefits, is_written=is_written)

    return command


def _judge(members: dict[str, Any], benefits: Path | None, *, is_written: bool) -> None:
    from scoring.benefits.adding import add_policy, with_policy
    from scoring.benefits.load import BENEFITS_PATH
    from scoring.rulebook import load_rulebook

    path = benefits or BENEFITS_PATH
    scales = load_rulebook().scales
    score_range = (min(s.minimum for s in scales), max(s.maximum for s in scales))
    if is_written:
        add_policy(path, members, score_range)
        typer.echo(f"{members['id']} is in {path.name}; it is served after the next build")
    else:
        with_policy(path, members, score_range)
        typer.echo(f"{members['id']} would be accepted; nothing was written")


def _day(value: dt.datetime | None) -> dt.date | None:
    return value.date() if value is not None else None


app.command("add", help="Write an entry into the register; refused entries leave it untouched.")(
    _command(is_written=True)
)
app.command("check", help="Say whether `add` would accept the entry.")(_command(is_written=False))
