"""A small town whose people have records that can be disputed and repaired, behind the whole
service: real ledger, real texts, a snapshot in memory."""

import datetime as dt
import json
from typing import Any

import msgspec

from api.store.protocol import Version
from scoring.contract.documents import FactRow, RuleRow, SourceRow, TablesDocument
from tests.api.city import AS_OF, BASE, City, subject
from tests.api.service import Reply, Service

FACTS = [
    ("penalty", "general", "penalty_general"),
    ("commitment", "kept", "commitment_kept"),
    ("penalty", "minor", ""),
    ("contract_performance", "late", "contract_late"),
]
RULES = [rule for *_, rule in FACTS if rule]
STATUS = {"counted": 0, "minor": 3, "disputed": 6, "repaired": 7}
OFFICER, REVIEWER = "officer-1", "reviewer-1"
REASON = "经核实，记录与事实不符，应予更正。"


class Town(City):
    def version(self) -> Version:
        version = super().version()
        documents = {**version.documents, "tables": msgspec.json.encode(tables())}
        return msgspec.structs.replace(version, documents=documents)


def tables() -> TablesDocument:
    return TablesDocument(
        as_of=AS_OF,
        base=BASE,
        facts=[
            FactRow(kind=k, outcome=o, name=k, name_en=k, what_to_do="", what_to_do_en="")
            for k, o, _ in FACTS
        ],
        rules=[
            RuleRow(rule_id=r, rule_version="1", name=r, name_en=r, legal_basis="示范条款")
            for r in RULES
        ],
        sources=[SourceRow(department_code="library", name="市图书馆")],
    )


def record(
    name: str, fact: str, points: int, *, days_ago: int = 200, status: str = "counted"
) -> str:
    """`fact`: kind and outcome joined by a blank. `days_ago` of the real day, as cases are."""
    index = next(i for i, (k, o, _) in enumerate(FACTS) if f"{k} {o}" == fact)
    rule = RULES.index(FACTS[index][2]) if FACTS[index][2] else -1
    happened = (dt.date.today() - dt.timedelta(days=days_ago) - dt.date(1970, 1, 1)).days
    expires = "" if rule < 0 else str(happened + 365)
    return f"{name},{index},{rule},{points},{STATUS[status]},{happened},{expires},0,0"


def make_town() -> City:
    town = Town()
    town.add(
        "ann", [record("pen1", "penalty general", -40), record("kept1", "commitment kept", 12)]
    )
    town.add("bob", [record("pen2", "penalty general", -40, days_ago=30)])
    town.add("cat", [record("minor1", "penalty minor", 0, days_ago=3, status="minor")])
    town.add("dan", [record("late1", "contract_performance late", -3, days_ago=2)])
    return town


def join(service: Service, *names: str) -> None:
    version = service.get("/v1/notice").json()["version"]
    for name in names:
        reply = service.post(
            "/v1/me/enrolment", {"notice_version": version}, service.signer.token(name)
        )
        assert reply.status == 201, reply.body


def citizen(service: Service, name: str, path: str, body: Any = None, **headers: str) -> Reply:
    token = service.signer.token(name)
    if body is None:
        return service.get(path, token, **headers)
    return service.post(path, body, token, **headers)


def put(service: Service, name: str, path: str, body: Any) -> Reply:
    token = service.signer.token(name)
    sent = [json.dumps(body).encode()]
    return service.ask("PUT", path, token, {"content-type": "application/json"}, sent)


def staff_token(service: Service, who: str = OFFICER, roles: str = "staff:officer") -> str:
    return service.signer.token(sub=who, scope=f"staff {roles}", birthdate=...)


def officer(service: Service, path: str, body: Any = None, **headers: str) -> Reply:
    token = staff_token(service)
    return service.get(path, token) if body is None else service.post(path, body, token, **headers)


def reviewer(service: Service, path: str, body: Any = None, **headers: str) -> Reply:
    token = staff_token(service, REVIEWER, "staff:reviewer")
    return service.get(path, token) if body is None else service.post(path, body, token, **headers)


def opened(service: Service, name: str, record_id: str, kind: str = "disputes") -> str:
    reply = citizen(service, name, f"/v1/me/{kind}", {"record_id": record_id})
    assert reply.status == 201, reply.body
    return str(reply.json()["id"])


def decide(service: Service, kind: str, case_id: str, outcome: str) -> None:
    """To the end, with the second person where one is needed."""
    path = f"/v1/staff/{kind}/{case_id}"
    reply = officer(service, f"{path}/decision", {"outcome": outcome, "reason": REASON})
    assert reply.status == 200, reply.body
    if reply.json()["status"] == "proposed":
        assert reviewer(service, f"{path}/confirmation", {"agrees": True}).status == 200


def subjects(*names: str) -> list[str]:
    return [subject(name) for name in names]
