"""GET /v1/me/events/{seq}/proof: that a line about me stands in the signed log."""

from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from api.access import CITIZEN_SCOPE, open_to
from api.accesses.answers import is_hidden
from api.accesses.events import ACCESSED, access_body
from api.inner import ApiRequest, call_of
from api.ledger.audit.proving import EventProof, NotYetSigned
from api.ledger.enrolment import city_day
from api.ledger.kinds import STREAM_WORDS
from api.ledger.protocol import Event, Ledger
from api.problems import Problem
from api.services import Services

# Steps inside the office, which decide nothing yet: she is told what is decided.
OFFICE_STEPS = frozenset(
    {"dispute_proposed", "dispute_returned", "repair_proposed", "repair_returned"}
)
OWN_KINDS = tuple(kind for kind in STREAM_WORDS if kind not in OFFICE_STEPS)
LAST_SEQ = (1 << 53) - 1


async def own_event(ledger: Ledger, subject: str, seq: int, now_ms: int) -> Event:
    """What she cannot see does not exist for her, whether it is another's, the office's or kept
    secret by a law until a later day. Raises Problem event_not_found, LedgerUnavailable."""
    if not 1 <= seq <= LAST_SEQ:
        raise Problem("event_not_found")
    found = await ledger.subject_events(subject, kinds=OWN_KINDS, limit=1, before_seq=seq + 1)
    if not found or found[0].seq != seq or _is_secret(found[0], now_ms):
        raise Problem("event_not_found")
    return found[0]


def _is_secret(event: Event, now_ms: int) -> bool:
    return event.kind == ACCESSED and is_hidden(access_body(event.body), city_day(now_ms))


def proof_handler(services: Services) -> HTTPRouteHandler:
    @get(
        "/v1/me/events/{seq:int}/proof",
        operation_id="getEventProof",
        tags=["citizen"],
        summary="这一条在记录之中的证明",
        opt=open_to(
            CITIZEN_SCOPE,
            audit="citizen",
            problems=["event_not_found", "not_yet_signed", "ledger_unavailable"],
        ),
    )
    async def proof(
        request: ApiRequest,
        seq: Annotated[int, PathParameter(description="通知或查询记录中的 seq")],
    ) -> EventProof:
        subject, now_ms = call_of(request).caller.subject, services.consents.now_ms()
        event = await own_event(services.ledger, subject, seq, now_ms)
        try:
            return await services.log_desk.event(event)
        except NotYetSigned as error:
            raise Problem("not_yet_signed") from error

    return proof
