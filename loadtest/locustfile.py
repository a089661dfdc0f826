"""`locust -f loadtest/locustfile.py --headless --host URL --demo-json FILE --limits smoke`.

Exit code 1 when a limit does not hold; the broken limits are printed.
"""

import logging
from argparse import ArgumentParser, Namespace
from typing import Any

from locust import LoadTestShape, events
from locust.env import Environment

from loadtest.limits import PROFILES, broken_limits
from loadtest.shapes import SHAPES, Stage, stage_at
from loadtest.users import Citizen, Reader

__all__ = ["Citizen", "Reader", "Shape"]


class Shape(LoadTestShape):
    """Steady unless --shape names one of loadtest.shapes; ends after its last stage."""

    def tick(self) -> tuple[int, float] | None:
        options = self.runner.environment.parsed_options  # type: ignore[union-attr]
        stage = stage_at(_stages(options), self.get_run_time())
        return (stage.users, stage.per_second) if stage else None


def _stages(options: Namespace) -> tuple[Stage, ...]:
    if options.shape == "steady":
        return (Stage(options.steady_seconds, options.steady_users, options.steady_users),)
    return SHAPES[options.shape]


@events.init_command_line_parser.add_listener
def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--demo-json", default="demo/demo.json")
    parser.add_argument("--limits", choices=sorted(PROFILES), default="smoke")
    parser.add_argument("--shape", choices=["steady", *SHAPES], default="steady")
    parser.add_argument("--steady-users", type=int, default=40)
    parser.add_argument("--steady-seconds", type=int, default=20)


@events.quitting.add_listener
def _judge(environment: Environment, **_: Any) -> None:
    total = environment.stats.total
    p99_ms = {
        entry.name: float(entry.get_response_time_percentile(0.99))
        for entry in environment.stats.entries.values()
        if entry.num_requests
    }
    options = environment.parsed_options
    broken = broken_limits(
        PROFILES[options.limits],  # type: ignore[union-attr]
        p99_ms=p99_ms,
        requests=total.num_requests,
        failures=total.num_failures,
    )
    for sentence in broken:
        logging.error("limit broken: %s", sentence)
    environment.process_exit_code = 1 if broken else 0
