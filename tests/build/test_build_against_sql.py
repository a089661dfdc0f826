"""An independent recomputation in SQL, from lake files and the published rules alone."""

from pathlib import Path

import msgspec

from scoring.contract.documents import RulesDocument
from tests.build.random_city import AS_OF, City
from tests.support.lake import Built
from tests.support.sql_scores import sql_scores


def test_sql_written_from_the_published_rules_gives_every_score(
    built: Built, city: City, city_data: Path
) -> None:
    rules = msgspec.json.decode(
        (built.folder / "documents" / "rules.json").read_bytes(), type=RulesDocument
    )
    again = sql_scores(city_data / "lake", city_data / "exports" / "1", rules, AS_OF)
    assert len(again) == len(city.enrolled)
    assert again == built.scores()
    assert len(set(built.scores().values())) > 100  # a city in which everybody differs
