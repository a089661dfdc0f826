"""The generated client calls every operation of a served town: once well, once refused.

What a citizen, a partner and the staff would do in a day, in an order in which it can be done.
"""

import datetime as dt
import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt

from api.commands.demo.handover import DemoDocument
from api.commands.demo.tokens import citizen_token
from loadtest.fuzz.generated import GeneratedClient, generated_from, operation_ids
from loadtest.fuzz.roles import PARTNER, PERSONA
from loadtest.fuzz.tools import Tools

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MOST_SEARCHED = 300  # citizens, for one whose penalty can be repaired today


class Wrong(Exception):
    """A call did not end as it should; its words name operation, status and body."""


def called_every_operation(town: DemoDocument, tools: Tools, folder: Path) -> list[str]:
    """What is wrong, a line each; prints how often each operation was called."""
    folder.mkdir(parents=True, exist_ok=True)
    document = httpx.get(f"{town.api}/schema/openapi.json").raise_for_status()
    (folder / "openapi.json").write_bytes(document.content)
    client = generated_from(folder / "openapi.json", tools, folder / "client")
    day = Day(town, client)
    try:
        day.go_by()
    except Wrong as wrong:
        return [f"generated client: {wrong}"]
    everything = operation_ids(document.json())
    print(f"\ngenerated client: {len(client.statuses)} of {len(everything)} operations called")
    for operation, statuses in sorted(client.statuses.items()):
        print(f"  {operation:<32}", "  ".join(f"{s} × {n}" for s, n in sorted(statuses.items())))
    return [f"generated client: {fault}" for fault in _left_out(client, everything)]


def _left_out(client: GeneratedClient, everything: list[str]) -> Iterator[str]:
    for operation in everything:
        statuses = client.statuses.get(operation, {})
        if not any(status < 300 for status in statuses):
            yield f"{operation} was never answered well"
        if not any(status >= 400 for status in statuses):
            yield f"{operation} was never refused"


class Day:
    def __init__(self, town: DemoDocument, client: GeneratedClient) -> None:
        self._town = town
        self._client = client
        tokens = {citizen.persona: citizen.token for citizen in town.citizens}
        self._citizen, self._newcomer = tokens[PERSONA], tokens["unenrolled"]
        self._partner = next(partner for partner in town.partners if partner.id == PARTNER)
        self._staff = {staff.role: staff.token for staff in town.staff}
        self._consents = [each for each in town.consents if each.partner == PARTNER]

    def go_by(self) -> None:
        """Raises Wrong."""
        self._public()
        self._log_is_one()
        self._newcomer_joins_and_leaves()
        record = self._citizen_reads()
        self._citizen_consents()
        self._partner_asks()
        self._citizen_disputes(record)
        self._staff_decides()
        self._partner_gives_up()
        self._partner_attests()

    def _public(self) -> None:
        for operation in (
            *("getHealth", "getReadiness", "getMetrics", "getExportSchema", "getRules"),
            *("getBenefits", "getCatalogue", "getNotice", "getRepairStatistics"),
            *("getKeySet", "getTokenServer", "listNotices"),
        ):
            self._well(operation)
            self._refused(operation, 406, accept="application/x-unknown")
        self._well("getNoticeVersion", version=self._well("getNotice").version)
        self._refused("getNoticeVersion", 404, version="none")

    def _log_is_one(self) -> None:
        size = self._well("listLogHeads").items[0].size
        self._well("getLogConsistency", from_=size, to=size)
        self._refused("getLogConsistency", 404, from_=1 << 40, to=1 << 40)
        self._refused("listLogHeads", 400, cursor="never")

    def _newcomer_joins_and_leaves(self) -> None:
        who = self._newcomer
        self._well("getEnrolment", who)
        version = self._well("getNotice").version
        self._refused(
            "enrol", 422, who, body=self._model("EnrolmentRequest", notice_version="none")
        )
        self._well("enrol", who, body=self._model("EnrolmentRequest", notice_version=version))
        self._well("getEnrolmentReceipt", who)
        self._well("withdraw", who)
        self._refused("withdraw", 401)
        self._refused("getEnrolmentReceipt", 401)
        self._refused("getEnrolment", 401)

    def _citizen_reads(self) -> str:
        """Returns a record of hers."""
        who = self._citizen
        score = self._well("getMyScore", who).score
        explanation = self._well("getMyScoreExplanation", who)
        if explanation.base + sum(item.points for item in explanation.items) != score:
            raise Wrong("the explanation's points do not add up to the score")
        self._well("getMyScoreHistory", who, limit=2)
        self._well("getMyScoreWhatIf", who, target=max(0, score - 20))
        self._refused("getMyScoreWhatIf", 400, who, target=1_001)
        day = dt.datetime.now(dt.UTC).date()
        self._well("listAccesses", who, since=day - dt.timedelta(days=30), until=day)
        self._well("listEvents", who)
        joined = self._well("exportMyData", who).enrolments[0]
        self._well("getEventProof", who, seq=joined.seq)
        self._refused("getEventProof", 404, self._newcomer, seq=joined.seq)
        for operation in (
            *("getMyScore", "getMyScoreExplanation", "getMyScoreHistory"),
            *("listAccesses", "listEvents", "exportMyData"),
        ):
            self._refused(operation, 401)
        return str(explanation.items[0].record_id)

    def _citizen_consents(self) -> None:
        who = self._citizen
        terms = {"partner": PARTNER, "policy": self._consents[0].policy}
        terms |= {"purpose": self._consents[0].purpose, "expires_at": _in_days(30)}
        granted = self._well("grantConsent", who, body=self._model("ConsentRequest", **terms))
        self._refused(
            "grantConsent",
            422,
            who,
            body=self._model("ConsentRequest", **terms | {"partner": "nobody"}),
        )
        self._well("listConsents", who)
        for operation in ("getConsent", "getConsentQr"):
            self._well(operation, who, consent_id=granted.id)
            self._refused(operation, 404, self._newcomer, consent_id=granted.id)
        paused = self._model("ConsentChange", status="paused")
        self._well("changeConsent", who, consent_id=granted.id, body=paused)
        self._well("revokeConsent", who, consent_id=granted.id)
        self._refused("changeConsent", 409, who, consent_id=granted.id, body=paused)
        self._refused("revokeConsent", 404, who, consent_id="none")
        self._refused("listConsents", 401)
        policy = self._model("VoucherRequest", policy=self._consents[0].policy)
        self._well("issueVoucher", who, body=policy)
        self._refused("issueVoucher", 401, body=policy)

    def _partner_asks(self) -> None:
        claims = {"iss": self._partner.client_id, "sub": self._partner.client_id}
        claims |= {"aud": self._partner.assertion_audience, "jti": secrets.token_urlsafe(16)}
        now = int(time.time())
        key = Path(self._partner.private_key_file).read_text()
        assertion = jwt.encode(
            {**claims, "iat": now, "exp": now + 120}, key, "ES256", {"kid": self._partner.kid}
        )
        form = self._model(
            "TokenRequest",
            grant_type="client_credentials",
            client_assertion_type=ASSERTION_TYPE,
            client_assertion=assertion,
        )
        token = self._well("getPartnerToken", body=form).access_token
        self._refused("getPartnerToken", 401, body=form)  # it is good for once
        consent = self._consents[-1]
        asked = {"policy": consent.policy, "purpose": consent.purpose, "consent": consent.handle}
        question = self._model("Question", **asked)
        self._well("checkEligibility", token, body=question)
        self._refused("checkEligibility", 403, self._citizen, body=question)
        batch = self._model("BatchRequest", items=[asked, asked | {"consent": "nobody's"}])
        answers = self._well("checkEligibilityBatch", token, body=batch).items
        if [bool(answer.code) for answer in answers] != [False, True]:
            raise Wrong("a batch is not answered question by question")
        self._refused("checkEligibilityBatch", 401, body=batch)
        self._well("getPartnerConsent", token, handle=consent.handle)
        self._refused("getPartnerConsent", 404, token, handle="A" * 22)

    def _partner_gives_up(self) -> None:
        self._well("giveUpConsent", self._partner.token, handle=self._consents[-1].handle)
        self._refused("giveUpConsent", 404, self._partner.token, handle="A" * 22)

    def _partner_attests(self) -> None:
        """Of consents that ended before today; the office sees that nothing is due."""
        day = dt.datetime.now(dt.UTC).date()
        past = self._model("AttestationRequest", ended_until=str(day - dt.timedelta(days=2)))
        self._well("attestDeletion", self._partner.token, body=past)
        self._refused("attestDeletion", 403, self._citizen, body=past)
        standing = self._well("listPartners", self._staff["officer"]).items
        if any(partner.is_flagged for partner in standing if partner.id == PARTNER):
            raise Wrong("a partner that has attested is flagged")
        self._refused("listPartners", 403, self._citizen)

    def _citizen_disputes(self, record: str) -> None:
        who = self._citizen
        words = "这条记录不是我的。"
        dispute = self._model("DisputeRequest", record_id=record, reason=words)
        self._well("openDispute", who, body=dispute)
        self._refused("openDispute", 409, who, body=dispute)
        review = self._model("ReviewRequest", about="score", reason=words)
        self._well("requestReview", who, body=review)
        self._refused("requestReview", 401, body=review)
        statement = self._model("StatementRequest", text=words)
        self._well("stateOnRecord", who, record_id=record, body=statement)
        self._refused("stateOnRecord", 404, who, record_id="none", body=statement)
        self._repair()
        for operation in ("listDisputes", "listReviews", "listRepairs"):
            self._well(operation, who)
            self._refused(operation, 401)

    def _repair(self) -> None:
        """Of the first citizen who has a penalty whose shortest time of publication is over."""
        none = self._model("RepairRequest", record_id="none")
        self._refused("requestRepair", 404, self._citizen, body=none)
        for sub in self._town.subs[:MOST_SEARCHED]:
            token = citizen_token(self._town, sub)
            status, explanation = self._call("getMyScoreExplanation", token)
            items = explanation.items if status == 200 else []
            for record in (item.record_id for item in items if item.kind == "penalty"):
                request = self._model("RepairRequest", record_id=record, reason="罚款已经缴清。")
                if self._call("requestRepair", token, body=request)[0] == 201:
                    return
        raise Wrong(f"requestRepair: none of {MOST_SEARCHED} citizens could")

    def _staff_decides(self) -> None:
        officer, reviewer = self._staff["officer"], self._staff["reviewer"]
        for name, outcome, has_two in (
            ("Dispute", "upheld", True),
            ("Repair", "granted", True),
            ("Review", "confirmed", False),
        ):
            cases = self._well(f"listStaff{name}s", officer, status="open").items
            self._refused(f"listStaff{name}s", 403, self._citizen)
            case_id = cases[0].id
            self._well(f"getStaff{name}", officer, case_id=case_id)
            self._refused(f"getStaff{name}", 404, officer, case_id="none")
            decision = self._model(
                "DecisionRequest", outcome=outcome, reason="已经核实，并已告知当事人。"
            )
            self._well(f"decide{name}", officer, case_id=case_id, body=decision)
            self._refused(f"decide{name}", 404, officer, case_id="none", body=decision)
            if has_two:
                agreed = self._model("ConfirmationRequest", agrees=True)
                self._well(f"confirm{name}", reviewer, case_id=case_id, body=agreed)
                self._refused(f"confirm{name}", 404, reviewer, case_id="none", body=agreed)

    def _model(self, name: str, **content: Any) -> Any:
        return self._client.model(name, content)

    def _call(
        self, operation: str, token: str | None = None, accept: str = "*/*", **arguments: Any
    ) -> tuple[int, Any]:
        headers = {"accept": accept}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        return self._client.call(operation, self._town.api, headers, **arguments)

    def _well(self, operation: str, token: str | None = None, **arguments: Any) -> Any:
        """The answer as the client's own type. Raises Wrong."""
        status, parsed = self._call(operation, token, **arguments)
        if status >= 300 or isinstance(parsed, self._client.models.Problem):
            raise Wrong(f"{operation}: {status} {_shown(parsed)}")
        if status != 204 and parsed is None:
            raise Wrong(f"{operation}: {status}, and the client could not read its body")
        return parsed

    def _refused(
        self, operation: str, wanted: int, token: str | None = None, **arguments: Any
    ) -> None:
        """Raises Wrong unless it is this status, told as a problem."""
        status, parsed = self._call(operation, token, **arguments)
        if status != wanted or not isinstance(parsed, self._client.models.Problem):
            raise Wrong(f"{operation}: {status} instead of {wanted}: {_shown(parsed)}")


def _shown(parsed: Any) -> str:
    return json.dumps(parsed.to_dict(), ensure_ascii=False)[:300] if parsed is not None else "–"


def _in_days(days: int) -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(days=days)).isoformat(timespec="seconds")
