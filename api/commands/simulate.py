"""`chengxin simulate`: the score of invented records, with its explanation.

Exit codes: 0 shown, 4 the file of facts is refused.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from scoring.contract.documents import RulesDocument
    from scoring.recompute import Recomputed

EXAMPLE = """as_of = 2026-06-30

[[record]]
kind = "commitment"
outcome = "kept"
happened_on = 2026-03-01
count = 2

[[record]]
kind = "contract_performance"
outcome = "late"
measure = 30        # overdue days; honours: 1 city, 2 province, 3 national
happened_on = 2026-01-15
"""


def simulate(
    facts: Annotated[
        Path | None, typer.Argument(help="TOML or JSON file of invented records.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Result as JSON.")] = False,
    example: Annotated[bool, typer.Option("--example", help="Print a file to begin with.")] = False,
) -> None:
    """Score invented records under the rules of a day; nobody's data are read."""
    if example or facts is None:
        typer.echo(EXAMPLE, nl=False)
        return
    from scoring.rulebook import load_rulebook, published_document
    from scoring.simulate import read_simulation
    from scoring.simulate import simulate as score

    simulation = read_simulation(facts)
    rules = published_document(load_rulebook(), simulation.as_of)
    found = score(rules, simulation)
    if as_json:
        _print_json(found, rules)
    else:
        _print_table(found, rules)


def _print_json(found: "Recomputed", rules: "RulesDocument") -> None:
    import msgspec

    answer = {"base": rules.base, "rules_version": rules.version, **msgspec.to_builtins(found)}
    sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")


def _print_table(found: "Recomputed", rules: "RulesDocument") -> None:
    names = {rule.id: rule.name for rule in rules.rules}
    table = Table("record", "rule", "happened", "expires", "status", "points")
    for item in found.items:
        expires = item.expires_on.isoformat() if item.expires_on else "-"
        name = names.get(item.rule_id or "", "-")
        day = item.happened_on.isoformat()
        table.add_row(item.record_id, name, day, expires, item.status, str(item.points))
    console = Console()
    console.print(table)
    console.print(f"base {rules.base} + Σ points = {found.score} ({found.band_code})")
