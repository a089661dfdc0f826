"""`make fuzz`: tools, a town, every role, the generated client; exit 1 on any failure."""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from loadtest.fuzz.asking import Outcome, asked_as
from loadtest.fuzz.client_calls import called_every_operation
from loadtest.fuzz.roles import roles_of
from loadtest.fuzz.tools import Tools
from loadtest.fuzz.town import served_town

TOOLS = Path("build/fuzz/tools")
RESULTS = Path("build/fuzz/results")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="tries an operation and phase")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["roles", "client"], help="one half of the run")
    options = parser.parse_args()
    tools = Tools(TOOLS.absolute())
    tools.make()
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    faults: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="chengxin-fuzz-") as folder,
        served_town(Path(folder) / "data", RESULTS / "demo.log") as town,
    ):
        document = f"{town.api}/schema/openapi.json"
        if options.only != "roles":
            faults += called_every_operation(town, tools, RESULTS.absolute() / "client")
        if options.only != "client":
            for role in roles_of(town):
                place = RESULTS.absolute() / role.name.replace(" ", "-")
                outcome = asked_as(
                    role,
                    document,
                    tools=tools,
                    folder=place,
                    examples=options.examples,
                    seed=options.seed,
                )
                tell(outcome)
                if not outcome.is_good:
                    faults.append(f"{outcome.role}: see {place / 'log.txt'}")
    print("\n".join(["", *faults]) if faults else "\nno failures")
    return 1 if faults else 0


def tell(outcome: Outcome) -> None:
    """Requests by operation and status, then what failed and what was accepted as no fault."""
    by_operation: dict[str, Counter[int]] = {}
    for operation, status, count in outcome.counts.asked:
        by_operation.setdefault(operation, Counter())[status] += count
    total = sum(count for *_, count in outcome.counts.asked)
    print(f"\n{outcome.role}: {total:,} requests, {len(by_operation)} operations")
    for operation in sorted(by_operation):
        counts = sorted(by_operation[operation].items())
        print(f"  {operation:<58}", "  ".join(f"{status} × {count}" for status, count in counts))
    for rule, count in outcome.counts.accepted.items():
        print(f"  no fault of the service ({rule}): {count}")
    for failure in outcome.failures:
        print(
            f"  FAILED {failure['title']} × {failure['count']}: {', '.join(failure['operations'])}"
        )
    if not outcome.is_whole:
        print("  FAILED the run was not whole")


if __name__ == "__main__":
    sys.exit(main())
