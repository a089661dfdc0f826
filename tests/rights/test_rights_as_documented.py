"""What these routes really answer is what the interface description says, refusals included."""

from typing import Any

from openapi_schema_validator import OAS31Validator, oas31_format_checker

from tests.api.service import Reply, Service
from tests.rights.town import REASON, citizen, officer, opened, put, reviewer


def differences(document: dict[str, Any], method: str, template: str, reply: Reply) -> list[str]:
    responses = document["paths"][template][method]["responses"]
    if str(reply.status) not in responses:
        return [f"{reply.status} is not documented"]
    ((_, content),) = responses[str(reply.status)]["content"].items()
    whole = {**content["schema"], "components": document["components"]}
    validator = OAS31Validator(whole, format_checker=oas31_format_checker)
    found = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(reply.json())]
    if reply.status >= 400 and reply.code not in content["examples"]:
        found.append(f"{reply.code} is not documented")
    return found


def test_every_answer_on_the_way_of_a_case_is_as_documented(town: Service) -> None:
    document = town.get("/schema/openapi.json").json()
    me, staff = "/v1/me/disputes", "/v1/staff/disputes/{case_id}"
    asked = {"record_id": "pen1", "reason": "第一行\n第二行"}
    steps = [("post", me, citizen(town, "ann", me, asked))]
    steps.append(("post", me, citizen(town, "ann", me, {"record_id": "pen1"})))
    steps.append(("post", me, citizen(town, "ann", me, {"record_id": "pen2"})))
    steps.append(("post", me, citizen(town, "ann", me, {"record": "pen2"})))
    case = steps[0][2].json()["id"]
    path = staff.replace("{case_id}", case)
    decision, confirmation = f"{staff}/decision", f"{staff}/confirmation"
    upheld = {"outcome": "upheld", "reason": REASON}
    steps += [
        ("get", staff, officer(town, path)),
        ("get", staff, officer(town, "/v1/staff/disputes/none")),
        ("get", "/v1/staff/disputes", officer(town, "/v1/staff/disputes")),
        ("post", decision, officer(town, f"{path}/decision", {"outcome": "upheld"})),
        ("post", decision, officer(town, f"{path}/decision", upheld)),
        ("post", confirmation, officer(town, f"{path}/confirmation", {})),
        ("post", confirmation, reviewer(town, f"{path}/confirmation", {})),
        ("get", me, citizen(town, "ann", me)),
    ]
    assert [step[2].status for step in steps] == [
        *[201, 409, 404, 400],
        *[200, 404, 200, 422, 200, 403, 200, 200],
    ]
    assert [differences(document, *step) for step in steps] == [[]] * len(steps)


def test_repairs_reviews_statements_and_the_export_answer_as_documented(town: Service) -> None:
    document = town.get("/schema/openapi.json").json()
    repairs, reviews = "/v1/me/repairs", "/v1/me/reviews"
    words = "/v1/me/records/{record_id}/statement"
    own = words.replace("{record_id}", "pen1")
    opened(town, "dan", "late1")
    steps = [
        ("post", repairs, citizen(town, "ann", repairs, {"record_id": "pen1"})),
        ("post", repairs, citizen(town, "bob", repairs, {"record_id": "pen2"})),
        ("post", repairs, citizen(town, "ann", repairs, {"record_id": "kept1"})),
        ("get", repairs, citizen(town, "ann", repairs)),
        ("post", reviews, citizen(town, "ann", reviews, {})),
        ("get", reviews, citizen(town, "ann", reviews)),
        ("put", words, put(town, "ann", own, {"text": "说明"})),
        ("put", words, put(town, "ann", own, {"text": "说" * 201})),
        ("get", "/v1/me/export", citizen(town, "ann", "/v1/me/export")),
        ("get", "/v1/stats/repair", town.get("/v1/stats/repair")),
        ("get", "/schema/export.json", town.get("/schema/export.json")),
    ]
    assert [step[2].status for step in steps] == [
        *[201, 409, 422, 200],
        *[201, 200, 200, 422, 200, 200, 200],
    ]
    assert [differences(document, *step) for step in steps] == [[]] * len(steps)
