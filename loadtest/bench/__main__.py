"""`make bench`: the design's numbers, measured here and now, each with a peer in the same run.

Ratios travel between machines, absolute figures do not. Needs wrk and taskset for the HTTP part.
"""

import argparse
import tempfile
from pathlib import Path

from loadtest.bench.batch import Size, make_snapshot, measure_publish
from loadtest.bench.durable import measure_access_events
from loadtest.bench.eligibility import measure_eligibility
from loadtest.bench.read_path import measure_score
from loadtest.bench.report import Figure, show
from loadtest.bench.wrk import missing_tools
from scoring.store.embedded import EmbeddedStore

LEDGER_SECONDS = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=2_000_000)
    parser.add_argument("--people", type=int, default=320_000)
    parser.add_argument("--enrolled", type=int, default=120_000)
    parser.add_argument("--seconds", type=int, default=8, help="length of each HTTP run")
    options = parser.parse_args()
    size = Size(records=options.records, people=options.people, enrolled=options.enrolled)
    with tempfile.TemporaryDirectory(prefix="chengxin-bench-") as folder:
        show(_figures(Path(folder), size, options.seconds))


def _figures(data: Path, size: Size, seconds: int) -> list[Figure]:
    built, build_figure = make_snapshot(data, size)
    figures = [build_figure]
    with EmbeddedStore(data / "store") as store:
        figures += measure_publish(built, store)
        missing = missing_tools()
        if missing:
            print(f"HTTP part left out: install {', '.join(missing)}")
        else:
            figures += measure_score(built, store, seconds)
            figures += measure_eligibility(built, store, seconds)
    figures.append(measure_access_events(LEDGER_SECONDS))
    return figures


if __name__ == "__main__":
    main()
