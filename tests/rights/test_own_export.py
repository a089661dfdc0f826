"""GET /v1/me/export: whole, as its published schema says, and logged."""

import hashlib
import json

from openapi_schema_validator import OAS31Validator

from tests.api.service import Service
from tests.rights.town import REASON, citizen, decide, opened, put


def test_the_export_holds_everything_and_fits_its_schema(town: Service) -> None:
    decide(town, "disputes", opened(town, "ann", "pen1"), "rejected")
    opened(town, "ann", "pen1", "repairs")
    citizen(town, "ann", "/v1/me/reviews", {})
    put(town, "ann", "/v1/me/records/kept1/statement", {"text": "说明"})
    reply = citizen(town, "ann", "/v1/me/export")
    assert reply.status == 200
    export = reply.json()
    assert export["score"]["score"] == 572
    assert [item["record_id"] for item in export["records"]] == ["pen1", "kept1"]
    assert export["records"][1]["statement"] == "说明"
    assert export["disputes"][0]["decision_reason"] == REASON
    assert [len(export[name]) for name in ("repairs", "reviews", "statements")] == [1, 1, 1]
    assert [step["step"] for step in export["enrolments"]] == ["enrolled"]
    assert {line["purpose_code"] for line in export["accesses"]} == {"decide_dispute"}
    assert {"statements", "accesses"} <= {line["id"] for line in export["retention"]}
    assert schema_errors(town, export) == []


def schema_errors(town: Service, export: object) -> list[str]:
    schema = town.get("/schema/export.json").json()
    assert schema["$schema"].endswith("2020-12/schema")
    return [error.message for error in OAS31Validator(schema).iter_errors(export)]


def test_the_schema_refuses_an_export_that_lacks_a_part(town: Service) -> None:
    export = citizen(town, "ann", "/v1/me/export").json()
    for part in ("score", "records", "consents", "accesses", "disputes"):
        assert schema_errors(town, {k: v for k, v in export.items() if k != part})


def test_an_export_is_a_line_of_its_own_with_the_digest_of_what_was_sent(town: Service) -> None:
    reply = citizen(town, "ann", "/v1/me/export")
    (line,) = citizen(town, "ann", "/v1/me/accesses").json()["items"]
    assert (line["initiator"], line["purpose_code"]) == ("citizen", "export_own_data")
    assert line["response_digest"] == hashlib.sha256(reply.body).hexdigest()


def test_with_the_log_down_nothing_is_exported(town: Service) -> None:
    town.run(town.ledger.close())
    assert citizen(town, "ann", "/v1/me/export").code == "ledger_unavailable"


def test_who_has_left_still_gets_what_is_kept(town: Service) -> None:
    opened(town, "ann", "pen1")
    left = town.ask("DELETE", "/v1/me/enrolment", town.signer.token("ann"))
    assert left.status == 204
    export = citizen(town, "ann", "/v1/me/export").json()
    assert (export["score"], export["records"]) == (None, [])
    assert [step["step"] for step in export["enrolments"]] == ["enrolled", "withdrawn"]
    assert len(export["disputes"]) == 1
    assert schema_errors(town, export) == []


def test_nobody_elses_data_is_in_it(town: Service) -> None:
    opened(town, "bob", "pen2")
    text = json.dumps(citizen(town, "ann", "/v1/me/export").json())
    assert "pen2" not in text


def test_an_explanation_reads_words_only_of_who_has_stated_any(town: Service) -> None:
    asked: list[object] = []
    texts = town.ledger.texts

    def counted(digests: list[str]) -> object:
        asked.extend(digests)
        return texts(digests)

    town.ledger.texts = counted  # type: ignore[method-assign,assignment]
    opened(town, "ann", "pen1")
    for name in ("ann", "bob"):
        assert citizen(town, name, "/v1/me/score/explanation").status == 200
    assert asked == []
    put(town, "ann", "/v1/me/records/kept1/statement", {"text": "说明"})
    assert citizen(town, "ann", "/v1/me/score/explanation").status == 200
    assert len(asked) == 1
