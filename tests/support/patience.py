"""Budgets for tests that are not about them: a machine that pauses for a second is no outage."""

from api.ledger.writer import Budgets
from api.store.reader import ReaderLimits
from tests.support.waiting import LONG_SECONDS

PATIENT_LEDGER = Budgets(lock_seconds=LONG_SECONDS, answer_seconds=LONG_SECONDS)
PATIENT_READER = ReaderLimits(deadline_seconds=LONG_SECONDS, connect_seconds=LONG_SECONDS)
