"""Builds the public site: `python site/build_pages.py [--data DIR] [--out DIR] [--as-of DAY]
[--keys FILE]`.

With a data directory that holds snapshots the pages show documents and figures of the one being
served (the newest where none is told), otherwise the repository's own rules, benefits and catalogue
as of the day. Exit codes: those of scoring.errors.
"""

import argparse
import datetime as dt
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str]) -> int:
    from builder.press import print_site
    from builder.sources import (
        from_repository,
        from_snapshot,
        with_heads,
        with_keys,
    )
    from builder.which_snapshot import shown_snapshot

    from scoring.errors import ChengxinError

    options = _options(arguments)
    try:
        shown = None if options.snapshot or not options.data else shown_snapshot(options.data)
        folder = shown.folder if shown else options.snapshot
        published = from_snapshot(folder) if folder else from_repository(options.as_of)
        published = with_keys(published, options.keys) if options.keys else published
        published = with_heads(published, options.data) if options.data else published
        print_site(ROOT, published, options.out)
    except ChengxinError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    of = f"snapshot {folder.name}" if folder else "no snapshot yet, figures left out"
    print(f"{options.out} ({of}, {shown.why})" if shown else f"{options.out} ({of})")
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, help="data directory; the snapshot it serves is shown")
    parser.add_argument("--snapshot", type=Path, help="this snapshot's folder instead")
    parser.add_argument("--keys", type=Path, help="public key set the voucher page carries")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site")
    parser.add_argument(
        "--as-of",
        type=dt.date.fromisoformat,
        default=dt.datetime.now(dt.UTC).date(),
        help="day whose rules are shown where there is no snapshot; today by default",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
