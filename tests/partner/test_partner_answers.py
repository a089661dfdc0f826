"""What a partner is told, and what it can never tell apart."""

import json
import secrets
from typing import Any

import pytest

from tests.partner.town import BANK, BUS, LIBRARY, REGISTER, Town, question, subject_of

MEMBERS = {"eligible", "policy", "valid_until", "decision_id", "snapshot"}


def test_somebody_above_the_threshold_is_eligible(town: Town) -> None:
    (handle,) = town.consents([subject_of("over")])
    reply = town.ask(handle, town.token())
    assert reply.status == 200, reply.body
    assert reply.json()["eligible"] is True
    assert set(reply.json()) == MEMBERS
