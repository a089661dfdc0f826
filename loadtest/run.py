"""`make load`: the Locust users against a running demo, by its `demo.json`."""

import argparse
import subprocess
import sys
from pathlib import Path

from api.commands.demo.handover import read_handover

LOCUSTFILE = Path(__file__).with_name("locustfile.py")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", type=Path, default=Path("demo/demo.json"))
    options, rest = parser.parse_known_args()
    if not options.demo.exists():
        print(f"{options.demo} is not there: start `make demo` first, or name it with --demo")
        return 2
    host = read_handover(options.demo).api
    command = [
        sys.executable,
        "-m",
        "locust",
        "-f",
        str(LOCUSTFILE),
        "--headless",
        "--only-summary",
    ]
    return subprocess.call([*command, "--host", host, "--demo-json", str(options.demo), *rest])


if __name__ == "__main__":
    sys.exit(main())
