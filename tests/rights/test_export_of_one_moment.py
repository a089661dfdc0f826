"""An overlay laid while a citizen's copy of all data is being read."""

from typing import Any

import pytest

from api.store.protocol import StoredLife
from tests.api.service import Service
from tests.rights.town import citizen, record


def test_the_records_of_an_export_add_up_to_its_score_whatever_is_laid_meanwhile(
    town: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Her penalty is taken away between the reading of her records and that of her score."""
    real, looks = town.reader.life, []

    async def life(*asked: Any) -> StoredLife:
        found = await real(*asked)
        if not looks:
            town.city.add("ann", [record("kept1", "commitment kept", 12)])
        looks.append(found)
        return found

    monkeypatch.setattr(town.reader, "life", life)
    export = citizen(town, "ann", "/v1/me/export").json()
    assert [item["record_id"] for item in export["records"]] == ["kept1"]
    assert export["score"]["score"] == 600 + sum(item["points"] for item in export["records"])
    assert len(looks) == 2
