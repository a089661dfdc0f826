"""The decision itself: pure, so that a law can be proven of it and anybody can repeat it.

Enrolled is never worse off than not enrolled: without a record the answer is no, and with one it
is no or yes. What a partner does for those it hears no about is what it does for everybody.
"""

import base64
import datetime as dt
from collections.abc import Collection

import msgspec

from scoring.contract.documents import Benefit
from scoring.contract.snapshot import notice_in_mark

DECISION_ID_CHARS = 22
ID_RANDOM_BYTES = 10  # beside 6 bytes of time: unguessable, and found without an index
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# A line is written a moment after its decision, and clocks of workers differ.
ID_TIME_MARGIN_MS = 10_000

WITHDRAWN_MARK = b"w:"


def is_eligible(
    score_points: int | None,
    mark: bytes | None,
    threshold_points: int,
    *,
    notice: str = "",
    too_old: Collection[str] = (),
) -> bool:
    """`score_points`: of the snapshot's record, None where there is none. `mark`: live mark; a
    withdrawal counts before any rebuild, and so does the acceptance of a notice. `notice`: what the
    record rests on; `too_old`: notices whose acceptance does not stand."""
    if score_points is None or (mark is not None and mark.startswith(WITHDRAWN_MARK)):
        return False
    if (notice if mark is None else notice_in_mark(mark)) in too_old:
        return False
    return score_points >= threshold_points


def is_open(benefit: Benefit, day: dt.date) -> bool:
    return benefit.status == "live" and benefit.valid_from <= day <= benefit.valid_until


def valid_until_ms(benefit: Benefit, now_ms: int, consent_expires_at_ms: int) -> int:
    """How long a partner may rely on the answer, a yes or a no: it tells nothing of a person."""
    by_policy = (now_ms + benefit.answer_valid_days * DAY_MS) // HOUR_MS * HOUR_MS
    return min(by_policy, consent_expires_at_ms)


def instant_text(at_ms: int) -> str:
    """RFC 3339 in UTC, whole seconds: always 20 characters."""
    return (EPOCH + dt.timedelta(seconds=at_ms // 1_000)).strftime("%Y-%m-%dT%H:%M:%SZ")


def decision_id_of(at_ms: int, random: bytes) -> str:
    """`random`: ID_RANDOM_BYTES bytes. 22 base64url characters."""
    return base64.urlsafe_b64encode(at_ms.to_bytes(6, "big") + random)[:DECISION_ID_CHARS].decode()


def decided_at_ms(decision_id: str) -> int:
    """Raises ValueError for what is no decision id."""
    data = base64.b64decode(decision_id + "==", altchars=b"-_", validate=True)
    if len(data) != 6 + ID_RANDOM_BYTES:
        raise ValueError("a decision id has 22 characters")
    return int.from_bytes(data[:6], "big")


class EligibilityAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All a partner is ever told. Members are never added."""

    eligible: bool
    policy: str
    valid_until: dt.datetime
    decision_id: str
    snapshot: str


def answer_bytes(
    *, eligible: bool, policy: str, valid_until: str, decision_id: str, snapshot: str
) -> bytes:
    """A yes is as long as a no: the size of an encrypted answer tells nothing to a listener."""
    word = " true" if eligible else "false"
    return (
        f'{{"eligible":{word},"policy":"{policy}","valid_until":"{valid_until}",'
        f'"decision_id":"{decision_id}","snapshot":"{snapshot}"}}'
    ).encode("ascii")
