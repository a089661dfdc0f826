"""What fails a load run. Numbers are promises to users, not measurements."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """`p99_ms`: 99th percentile of answers, milliseconds, per kind of request.

    A wrong body counts as an error. `error_share`: failed requests / all requests.
    """

    p99_ms: dict[str, float]
    error_share: float


# Generator and server share two cores with others here, so these are limits of a smoke run:
# 300 ms is what a person still feels as at once; the ceiling is `make bench`'s business.
SMOKE = Limits(
    p99_ms={"score": 300.0, "explanation": 500.0, "public": 300.0, "enrolment": 500.0},
    error_share=0.0,
)

# A peak may shed (503 with Retry-After), but not more than one request in a hundred.
PEAK = Limits(
    p99_ms={"score": 500.0, "explanation": 800.0, "public": 500.0, "enrolment": 800.0},
    error_share=0.01,
)

PROFILES = {"smoke": SMOKE, "peak": PEAK}


def broken_limits(
    limits: Limits, *, p99_ms: dict[str, float], requests: int, failures: int
) -> list[str]:
    """One sentence per limit that does not hold; empty when the run passes.

    A kind that sent nothing is a broken limit too: a run that asked nothing proves nothing.
    """
    broken = [
        f"{kind}: no answers, so its p99 is unknown" for kind in limits.p99_ms if kind not in p99_ms
    ]
    broken += [
        f"{kind}: p99 {p99_ms[kind]:.0f} ms is above {limit:.0f} ms"
        for kind, limit in limits.p99_ms.items()
        if p99_ms.get(kind, 0.0) > limit
    ]
    share = failures / requests if requests else 1.0
    if share > limits.error_share:
        broken.append(f"{failures} of {requests} requests failed: above {limits.error_share:.1%}")
    return broken
