"""Consents, workers and terms for the tests of this room."""

import datetime as dt
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import msgspec

from api.accesses.log import LedgerAccessLog
from api.accesses.protocol import AccessEvent
from api.consents.answers import ConsentAnswer, granted_bytes
from api.consents.attesting import Attestations
from api.consents.codec import ConsentCodec
from api.consents.handles import HandleKeys
from api.consents.projection import LiveConsents
from api.consents.service import ConsentService
from api.consents.terms import DAY_MS, AskedTerms
from api.ledger.enrolment import EnrolmentService
from api.ledger.places import open_ledger_at
from api.ledger.projection import LiveMarks
from api.ledger.protocol import Ledger
from api.store.reader import ValkeyReader
from scoring.contract.documents import Benefit
from scoring.contract.pseudonyms import snapshot_subject_of
from tests.ledger.drafts import AT_MS, enrolled, pseudonym
from tests.support.patience import patient
from tests.support.snapshots import SNAPSHOT_KEY

PERSON = pseudonym(1)
KEYS = HandleKeys(SNAPSHOT_KEY)
CODEC = ConsentCodec(KEYS, partial(snapshot_subject_of, SNAPSHOT_KEY))


def benefit(name: str = "deposit", **changes: object) -> Benefit:
    values: dict[str, object] = {
        "id": name,
        "scene": "信易阅",
        "partner": "library",
        "partner_name": "市图书馆",
        "purpose": "borrow",
        "benefit_type": "deposit_waiver",
        "service_class": "cultural",
        "threshold": 600,
        "what": "借书免押金",
        "valid_from": dt.date(2026, 1, 1),
        "valid_until": dt.date(2999, 12, 31),
        "answer_valid_days": 30,
        "legal_basis": "合作协议",
        "status": "live",
    }
    return Benefit(**{**values, **changes})  # type: ignore[arg-type]


REGISTER = [benefit(), benefit("pay_later", partner="bus", purpose="ride", partner_name="公交")]


def asked(**changes: object) -> AskedTerms:
    values: dict[str, object] = {
        "partner": "library",
        "policy": "deposit",
        "purpose": "borrow",
        "not_before_ms": None,
        "expires_at_ms": AT_MS + 30 * DAY_MS,
        "max_uses_per_day": 3,
        "data_life_days": None,
    }
    return AskedTerms(**{**values, **changes})  # type: ignore[arg-type]


def access(consent_id: str | None = None, **changes: object) -> AccessEvent:
    values: dict[str, object] = {
        "subject": PERSON,
        "at_ms": AT_MS,
        "initiator_kind": "partner",
        "initiator": "library",
        "purpose": "xinyiyue_deposit",
        "legal_basis": "个人信息保护法第十三条",
        "policy": "deposit",
        "consent_id": consent_id,
        "decision_id": "d1",
        "response_digest": "0" * 64,
        "snapshot": "s1",
    }
    return AccessEvent(**{**values, **changes})  # type: ignore[arg-type]


class Worker:
    """What one API process has of this room."""

    def __init__(self, ledger: Ledger, url: str) -> None:
        self.ledger = ledger
        self.now_ms = int(time.time() * 1_000)  # the store's own clock ends the entries
        self.reader = ValkeyReader(url, before_serving=self._replay)
        self.marks = LiveMarks(ledger, self.reader, SNAPSHOT_KEY)
        self.live = LiveConsents(ledger, self.reader, CODEC)
        self.enrolments = EnrolmentService(ledger, self.marks, lambda: self.now_ms)
        self.log = LedgerAccessLog(ledger)
        self.consents = ConsentService(
            ledger,
            self.live,
            KEYS,
            Attestations(ledger, self.reader),
            register=lambda: REGISTER,
            answer_of=granted_bytes,
            now_ms=lambda: self.now_ms,
        )

    async def _replay(self, position: int) -> None:
        await self.marks.before_serving(position)
        await self.live.before_serving()

    async def grant(self, number: int = 1, **terms: object) -> ConsentAnswer:
        wanted = asked(**{"expires_at_ms": self.now_ms + 30 * DAY_MS, **terms})
        body = await self.consents.grant(pseudonym(number), wanted)
        return msgspec.json.decode(body, type=ConsentAnswer)

    async def status(self, handle: str) -> str | None:
        consent = await self.live.live(handle)
        return consent.status if consent is not None else None


@asynccontextmanager
async def working(place: str, url: str, follows: bool = True) -> AsyncIterator[Worker]:
    with patient():
        worker = Worker(await open_ledger_at(place), url)
    await worker.reader.open()
    if follows:
        worker.live.start()
    try:
        yield worker
    finally:
        await worker.live.stop()
        await worker.reader.close()
        await worker.ledger.close()


async def enrol(worker: Worker, *numbers: int) -> None:
    for number in numbers or (1,):
        await worker.ledger.append(enrolled(number))
