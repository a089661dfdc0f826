"""Who asks, and with which values a request gets past the first look-up.

A schema says what an id looks like, not which there are; without these, most requests end at 404.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec

from api.commands.demo.handover import DemoDocument

PARTNER = "city_bus"  # the widest quota of the registry: it is not what is tried here
PERSONA = "rich"


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """`values`: by binding of schemathesis (`path.case_id`, `body.reason`). `not_as`: operations that
    would end this role's own state; another role calls them."""

    name: str
    token: str | None = None
    values: dict[str, list[str]] = {}
    not_as: tuple[str, ...] = ()


def roles_of(town: DemoDocument) -> Iterator[Role]:
    """One after the other: each finds what the ones before have left, as the staff their cases."""
    citizens = {citizen.persona: citizen.token for citizen in town.citizens}
    yield Role(name="anonymous")
    yield _citizen(town, citizens[PERSONA])
    yield Role(name="leaving citizen", token=citizens["unenrolled"], values=_notice(town))
    yield _partner(town)
    for staff in town.staff:
        yield _staff(town, staff.role, staff.token)


def _asked(town: DemoDocument, path: str, token: str | None = None) -> Any:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.get(town.api + path, headers=headers).raise_for_status().json()


def _notice(town: DemoDocument) -> dict[str, list[str]]:
    return {"body.notice_version": [_asked(town, "/v1/notice")["version"]]}


def _citizen(town: DemoDocument, token: str) -> Role:
    records = [
        item["record_id"] for item in _asked(town, "/v1/me/score/explanation", token)["items"]
    ]
    consents = [item["id"] for item in _asked(town, "/v1/me/consents", token)["items"]]
    benefit = next(
        item for item in _asked(town, "/v1/benefits")["items"] if item["partner"] == PARTNER
    )
    return Role(
        name="citizen",
        token=token,
        values={
            **_notice(town),
            "path.record_id": records[:3],
            "body.record_id": records[:20],
            "path.consent_id": consents[:3],
            "body.partner": [PARTNER],
            "body.policy": [benefit["id"]],
            "body.purpose": [benefit["purpose"]],
            "body.reason": ["这条记录不是我的。"],
        },
        not_as=("withdraw",),
    )


def _partner(town: DemoDocument) -> Role:
    token = next(partner.token for partner in town.partners if partner.id == PARTNER)
    consents = [each for each in town.consents if each.partner == PARTNER]
    handles = [each.handle for each in consents if each.persona != PERSONA]
    return Role(
        name="partner",
        token=token,
        values={
            "path.handle": handles[:2],
            "body.policy": [consents[0].policy],
            "body.purpose": [consents[0].purpose],
            "body.consent": handles[2:],
        },
    )


def _staff(town: DemoDocument, role: str, token: str) -> Role:
    cases = [
        item["id"]
        for kind in ("disputes", "repairs", "reviews")
        for item in _asked(town, f"/v1/staff/{kind}", token)["items"]
    ]
    return Role(
        name=role,
        token=token,
        values={
            "path.case_id": cases or ["none"],
            "body.outcome": [
                "upheld",
                "rejected",
                "undecided",
                "confirmed",
                "corrected",
                "refused",
            ],
            "body.reason": ["已经核实，与记录一致，并已告知当事人。"],
        },
    )
