"""Failures that are no fault of the service: each rule says why, and proves it on the very answer.

Loaded by schemathesis (SCHEMATHESIS_HOOKS) in its own environment; also counts what was asked.
"""

import atexit
import datetime as dt
import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
import schemathesis

COUNTS = Path(os.environ["CHENGXIN_FUZZ_COUNTS"])

asked: Counter[tuple[str, int]] = Counter()
accepted: Counter[str] = Counter()


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    asked[(f"{case.operation.method.upper()} {case.operation.path}", response.status_code)] += 1


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    for rule in RULES:
        if rule(failure, case, response):
            accepted[rule.__name__] += 1
            return False
    return True


def cursor_nobody_was_given(failure: Any, case: Any, response: Any) -> bool:
    """A cursor is what an earlier page ended with; which ones were given no schema can say. Proof:
    the same request without its cursor is accepted."""
    if failure.code != "ST202" or code_of(response) != "invalid_parameter":
        return False
    address, _, query = response.request.url.partition("?")
    others = [part for part in query.split("&") if not part.startswith("cursor=")]
    if len(others) == len(query.split("&")):
        return False
    headers = response.request.headers
    again = requests.get(f"{address}?{'&'.join(others)}", headers=headers, timeout=10)
    return again.status_code == 200


def range_that_ends_before_it_begins(failure: Any, case: Any, response: Any) -> bool:
    """Days, or sizes of the log: two parameters that must fit each other, and a period must not end
    after the last day a calendar has. Proof: they do not."""
    query = dict(case.query or {})
    if failure.code != "ST202" or code_of(response) != "invalid_parameter":
        return False
    days = [dt.date.fromisoformat(query[name]) for name in ("since", "until") if name in query]
    sizes = [int(query[name]) for name in ("from", "to") if name in query]
    return days != sorted(days) or days[-1:] == [dt.date.max] or sizes != sorted(sizes)


def purpose_nobody_registered(failure: Any, case: Any, response: Any) -> bool:
    """Which purposes are registered the policies say, which change without the schema."""
    return failure.code == "ST202" and code_of(response) == "purpose_unknown"


def too_many_failed_logins(failure: Any, case: Any, response: Any) -> bool:
    """Hundreds of assertions that nobody signed are slowed down, as they must be."""
    return (
        failure.code == "ST202"
        and case.operation.path == "/oauth/token"
        and code_of(response) == "too_many_attempts"
        and "retry-after" in response.headers
    )


def ended_consent_is_still_shown(failure: Any, case: Any, response: Any) -> bool:
    """A consent that was revoked has ended, and its citizen goes on seeing that it was there and who
    used it. Proof: what is shown has ended."""
    if failure.code != "ST301" or not case.operation.path.startswith("/v1/me/consents/"):
        return False
    if case.operation.path.endswith("/qr.svg"):
        return True  # a picture of a handle that no longer opens anything
    return json.loads(response.content).get("status") in ("revoked", "rejected", "expired")


RULES: tuple[Callable[[Any, Any, Any], bool], ...] = (
    cursor_nobody_was_given,
    range_that_ends_before_it_begins,
    purpose_nobody_registered,
    too_many_failed_logins,
    ended_consent_is_still_shown,
)


def code_of(response: Any) -> str:
    return str(json.loads(response.content).get("code", ""))


@atexit.register
def write_counts() -> None:
    document = {
        "asked": [[operation, status, count] for (operation, status), count in asked.items()],
        "accepted": accepted,
    }
    COUNTS.write_text(json.dumps(document), encoding="utf-8")
