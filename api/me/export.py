"""GET /v1/me/export: a copy of everything, logged as the citizen's own access."""

import hashlib

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from api.access import CITIZEN_SCOPE, open_to
from api.accesses.answers import AccessAnswer
from api.accesses.protocol import AccessEvent
from api.accesses.reading import Period, page_of_accesses
from api.answers import Call, answer_of, public_headers
from api.consents.answers import ConsentAnswer, answer_about
from api.consents.reading import Uses, all_events, consents_of, uses_of
from api.inner import ApiRequest, call_of, response_of
from api.ledger.enrolment import instant
from api.ledger.fold import ENROLMENT_KINDS, notice_version_in
from api.ledger.protocol import Event
from api.me.accesses import NamesOfRegister
from api.me.explanation import ExplanationRoute
from api.me.export_document import EnrolmentStep, ExportDocument, RetentionLine, export_schema
from api.me.score import ScoreRoute
from api.problems import Problem
from api.rights.views import dispute_answer, repair_answer, review_answer
from api.schemas import ExplanationAnswer, ScoreAnswer
from api.services import Services
from scoring.policy.retention import load_retention

EXPORT_PURPOSE = "export_own_data"
EXPORT_BASIS = "《个人信息保护法》第四十五条"
ACCESSES_A_PAGE = 1_000
SCHEMA_ETAG_CHARS = 16


class Exporter:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._score = ScoreRoute(services.reader)
        self._explanation = ExplanationRoute(services.reader)
        self._register = NamesOfRegister(services.reader)

    async def document(self, call: Call) -> ExportDocument:
        services, subject = self._services, call.caller.subject
        rights, now_ms = services.rights, services.rights.now_ms()
        score, explanation = await self._scored(call)
        cases, words = await rights.cases(subject)
        joined = await all_events(services.ledger, subject, ENROLMENT_KINDS)
        items = explanation.items if explanation else []
        return ExportDocument(
            exported_at=instant(now_ms),
            subject=subject,
            enrolments=[_step(event) for event in joined],
            score=score,
            records=await rights.noted(subject, items, call.language),
            consents=await self._consents(subject, now_ms),
            accesses=await self._accesses(call, now_ms),
            disputes=[dispute_answer(case, words) for case in cases if case.type == "dispute"],
            reviews=[review_answer(case, words) for case in cases if case.type == "review"],
            repairs=[repair_answer(case, words) for case in cases if case.type == "repair"],
            statements=await rights.statements(subject),
            retention_version=load_retention().version,
            retention=retention_lines(),
        )

    async def _scored(self, call: Call) -> tuple[ScoreAnswer | None, ExplanationAnswer | None]:
        """Both of one version, of the snapshot and of her, or neither. Raises Problem, StoreDown."""
        try:
            while True:
                explanation = await self._explanation.answer(call.caller, call.language)
                answer = msgspec.json.decode((await self._score(call)).body, type=ScoreAnswer)
                is_same = answer.snapshot == explanation.snapshot
                if is_same and answer.score == explanation.score:  # else one was laid in between
                    return answer, explanation
        except Problem as problem:
            if problem.code in ("not_enrolled", "not_scored_yet"):
                return None, None
            raise

    async def _consents(self, subject: str, now_ms: int) -> list[ConsentAnswer]:
        consents = await consents_of(self._services.ledger, subject)
        uses = await uses_of(self._services.ledger, subject) if consents else {}
        return [
            answer_about(consent, uses.get(consent.id, Uses()), now_ms)
            for consent in reversed(consents.values())
        ]

    async def _accesses(self, call: Call, now_ms: int) -> list[AccessAnswer]:
        found: list[AccessAnswer] = []
        before: int | None = None
        while True:
            page = await page_of_accesses(
                self._services.ledger,
                call.caller.subject,
                self._register.names(),
                period=Period(),
                limit=ACCESSES_A_PAGE,
                before_seq=before,
                now_ms=now_ms,
                language=call.language,
            )
            found += page.items
            if page.next_cursor is None:
                return found
            before = int(page.next_cursor)


def retention_lines() -> list[RetentionLine]:
    return [
        RetentionLine(
            id=each.id,
            name=each.name,
            days=each.days,
            after=each.after,
            on_withdrawal=each.on_withdrawal,
            at_end=each.at_end,
            how=each.how,
            legal_basis=each.legal_basis,
        )
        for each in load_retention().classes
    ]


def _step(event: Event) -> EnrolmentStep:
    is_joining = event.kind == "enrolled"
    return EnrolmentStep(
        seq=event.seq,
        at=instant(event.at_ms),
        step="enrolled" if is_joining else "withdrawn",
        notice_version=notice_version_in(event.body) if is_joining else None,
    )


def export_handler(services: Services) -> HTTPRouteHandler:
    exporter = Exporter(services)

    @get(
        "/v1/me/export",
        operation_id="exportMyData",
        tags=["rights"],
        summary="导出我的全部信息",
        opt=open_to(
            CITIZEN_SCOPE,
            audit="logged",
            problems=["record_corrupt", "ledger_unavailable", "store_unavailable"],
        ),
    )
    async def export(request: ApiRequest) -> Response[ExportDocument]:
        call = call_of(request)
        document = await exporter.document(call)
        body = msgspec.json.encode(document)
        await services.access_log.record(
            AccessEvent(
                subject=call.caller.subject,
                at_ms=services.rights.now_ms(),
                initiator_kind="citizen",
                initiator="citizen",
                purpose=EXPORT_PURPOSE,
                legal_basis=EXPORT_BASIS,
                response_digest=hashlib.sha256(body).hexdigest(),
                snapshot=document.score.snapshot if document.score else None,
            )
        )
        return Response(body, media_type="application/json")  # type: ignore[arg-type]

    return export


def export_schema_handler(*, max_age_seconds: int) -> HTTPRouteHandler:
    body = msgspec.json.encode(export_schema())
    etag = hashlib.sha256(body).hexdigest()[:SCHEMA_ETAG_CHARS]
    answer = answer_of(200, public_headers(etag, max_age_seconds), body)

    @get(
        "/schema/export.json",
        operation_id="getExportSchema",
        tags=["machines"],
        summary="个人信息导出的 JSON Schema",
        opt=open_to(None, cache="public", media_type="application/json"),
    )
    async def schema() -> Response[dict[str, object]]:
        return response_of(answer)

    return schema
