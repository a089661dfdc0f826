"""Checks the built site: `python site/check_pages.py [--site DIR] [--as-of DAY] [--own-url URL]`.

Exit codes: 0 nothing found, 5 something found (listed, one line each).
"""

import argparse
import datetime as dt
import sys
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str]) -> int:
    from builder.checks import check_site, in_words, unfilled_count

    from scoring.errors import VerificationFailed

    options = _options(arguments)
    findings = check_site(options.site, options.as_of, urlsplit(options.own_url).netloc)
    if findings:
        print(in_words(findings), file=sys.stderr)
        return VerificationFailed.exit_code
    print(f"{options.site}: nothing found")
    if count := unfilled_count(options.site):
        print(f"{count} places of the footer wait for the city (mkdocs.yml, extra.authority)")
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--site", type=Path, default=ROOT / "build" / "site")
    parser.add_argument(
        "--as-of", type=dt.date.fromisoformat, default=dt.datetime.now(dt.UTC).date()
    )
    parser.add_argument("--own-url", default="https://chengxin.example/")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
