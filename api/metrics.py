"""Counters of one worker in the Prometheus text format, kept without a lock or a label look-up.

One event loop writes them. No person can be told from them: a route's template, a status, a time.
"""

import os
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType

MEDIA_TYPE = "text/plain; version=0.0.4"  # Litestar adds the charset
BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


class RouteMetrics:
    """Requests of one route: by status, and by time to the answer."""

    __slots__ = ("_buckets", "_by_status", "_seconds", "template")

    def __init__(self, template: str) -> None:
        self.template = template
        self._by_status: defaultdict[int, int] = defaultdict(int)
        self._buckets = [0] * (len(BUCKETS_SECONDS) + 1)
        self._seconds = 0.0

    def observe(self, status: int, seconds: float) -> None:
        self._by_status[status] += 1
        self._buckets[bisect_left(BUCKETS_SECONDS, seconds)] += 1
        self._seconds += seconds

    def requests(self) -> Iterable[str]:
        for status, count in sorted(self._by_status.items()):
            yield _line("http_requests_total", count, route=self.template, status=str(status))

    def durations(self) -> Iterable[str]:
        total = 0
        for limit, count in zip((*map(str, BUCKETS_SECONDS), "+Inf"), self._buckets, strict=True):
            total += count
            yield _line(
                "http_request_duration_seconds_bucket", total, route=self.template, le=limit
            )
        name = "http_request_duration_seconds"
        yield _line(f"{name}_sum", round(self._seconds, 6), route=self.template)
        yield _line(f"{name}_count", total, route=self.template)


class Metrics:
    """Every series carries the worker's process id: a scrape meets one worker at a time, and a
    counter must never seem to run backwards."""

    def __init__(self) -> None:
        self.routes: list[RouteMetrics] = []
        self.refused_tokens = 0
        self.unhandled_errors = 0
        self.partner_refusals = 0
        self.partner_alarms = 0
        self.stale_answers = 0
        self._started_at = time.time()

    def add(self, routes: Iterable[RouteMetrics]) -> None:
        self.routes.extend(routes)

    def exposition(self, gauges: Mapping[str, float] = MappingProxyType({})) -> bytes:
        """`gauges`: figures of the moment by name, without the prefix."""
        lines = [
            "# TYPE chengxin_http_requests_total counter",
            *(line for route in self.routes for line in route.requests()),
            "# TYPE chengxin_http_request_duration_seconds histogram",
            *(line for route in self.routes for line in route.durations()),
            "# TYPE chengxin_refused_tokens_total counter",
            _line("refused_tokens_total", self.refused_tokens),
            "# TYPE chengxin_unhandled_errors_total counter",
            _line("unhandled_errors_total", self.unhandled_errors),
            "# TYPE chengxin_partner_refusals_total counter",
            _line("partner_refusals_total", self.partner_refusals),
            "# TYPE chengxin_partner_alarms_total counter",
            _line("partner_alarms_total", self.partner_alarms),
            "# TYPE chengxin_stale_answers_total counter",
            _line("stale_answers_total", self.stale_answers),
            "# TYPE chengxin_process_cpu_seconds_total counter",
            _line("process_cpu_seconds_total", round(time.process_time(), 3)),
            "# TYPE chengxin_start_time_seconds gauge",
            _line("start_time_seconds", round(self._started_at, 3)),
            *(line for name, value in gauges.items() for line in _gauge(name, value)),
        ]
        return ("\n".join(lines) + "\n").encode()


def _gauge(name: str, value: float) -> tuple[str, str]:
    return f"# TYPE chengxin_{name} gauge", _line(name, value)


def _line(name: str, value: float, **labels: str) -> str:
    labels["worker"] = str(os.getpid())
    text = ",".join(f'{label}="{word}"' for label, word in labels.items())
    return f"chengxin_{name}{{{text}}} {value}"
