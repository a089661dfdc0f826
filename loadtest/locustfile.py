"""`locust -f loadtest/locustfile.py --headless --host URL --demo-json FILE --profile smoke`.

Exit code 1 when a limit of the profile does not hold; the broken limits are printed.
"""

import logging
from argparse import ArgumentParser
from typing import Any

from locust import events
from locust.env import Environment

from loadtest.limits import PROFILES, broken_limits
from loadtest.shapes import SHAPES, StagedShape
from loadtest.users import Citizen, Reader

__all__ = ["Citizen", "Reader", "Shape"]


class Shape(StagedShape):
    """Without --shape the run is steady: --users and --run-time hold."""

    def tick(self) -> tuple[int, float] | None:
        options = self.runner.environment.parsed_options  # type: ignore[union-attr]
        if options.shape == "steady":
            within = self.get_run_time() < options.steady_seconds
            return (options.steady_users, options.steady_users) if within else None
        self.stages = SHAPES[options.shape]
        return super().tick()


@events.init_command_line_parser.add_listener
def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--demo-json", default="demo/demo.json")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="smoke")
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
        PROFILES[options.profile],  # type: ignore[union-attr]
        p99_ms=p99_ms,
        requests=total.num_requests,
        failures=total.num_failures,
    )
    for sentence in broken:
        logging.error("limit broken: %s", sentence)
    environment.process_exit_code = 1 if broken else 0
