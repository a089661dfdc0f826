"""Budgets for tests that are not about them: a machine that pauses for a second is no outage."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from api.ledger.reader import Reader
from api.ledger.writer import Budgets
from api.store.reader import ReaderLimits
from tests.support.waiting import LONG_SECONDS

PATIENT_LEDGER = Budgets(lock_seconds=LONG_SECONDS, answer_seconds=LONG_SECONDS)
PATIENT_READER = ReaderLimits(deadline_seconds=LONG_SECONDS, connect_seconds=LONG_SECONDS)


@contextmanager
def patient() -> Iterator[None]:
    """Whatever is opened in here waits for its store and its ledger as long as they take."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("api.ledger.changes.FRESH_SECONDS", LONG_SECONDS)
        for place in ("api.ledger.sqlite.Budgets", "api.ledger.postgres.ledger.Budgets"):
            patched.setattr(place, lambda: PATIENT_LEDGER)
        patched.setattr("api.store.reader.ReaderLimits", lambda: PATIENT_READER)
        patched.setattr(Reader.__init__, "__defaults__", (LONG_SECONDS,))
        patched.setattr("api.ledger.postgres.ledger.READ_SECONDS", LONG_SECONDS)
        for place in ("eligibility", "once"):
            patched.setattr(f"api.partner.{place}.BUDGET_SECONDS", LONG_SECONDS)
        yield
