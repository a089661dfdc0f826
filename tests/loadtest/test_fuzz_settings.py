"""What the fuzzing tools are told: well-formed, and about things that exist."""

import tomllib
from pathlib import Path

import yaml

from api.openapi.about import BEARER_SCHEME
from api.partner.registry import load_registry
from loadtest.fuzz import asking
from loadtest.fuzz.asking import SCHEME, Counts, Outcome, tables_for
from loadtest.fuzz.generated import METHODS, _snake_case, operation_ids
from loadtest.fuzz.roles import PARTNER, Role
from loadtest.fuzz.tools import LOCK

ROLE = Role(
    name="citizen",
    token="never written down",
    values={"path.consent_id": ["a1"], "body.reason": ['他说"不是我"。\\']},
)


def settings_of(role: Role) -> dict[str, object]:
    return tomllib.loads(asking.SETTINGS.read_text("utf-8") + tables_for(role))


def test_a_roles_values_are_bound_and_its_token_is_not_written() -> None:
    settings = settings_of(ROLE)
    dictionaries, parameters = settings["dictionaries"], settings["parameters"]
    found = {
        binding: dictionaries[bound["dictionary"]]["values"]
        for binding, bound in parameters.items()
    }
    assert found == ROLE.values
    assert "never written down" not in tables_for(ROLE)


def test_who_has_no_token_sends_none() -> None:
    assert "auth" not in settings_of(Role(name="anonymous"))


def test_scheme_and_partner_exist() -> None:
    assert SCHEME == BEARER_SCHEME
    assert PARTNER in load_registry().by_id


def test_every_tool_is_locked_with_its_hashes() -> None:
    wanted = [
        line.split(">=")[0]
        for line in LOCK.with_suffix(".in").read_text().splitlines()
        if not line.startswith("#")
    ]
    locked = LOCK.read_text()
    assert all(f"\n{name}==" in locked for name in wanted)
    pins = [line for line in locked.splitlines() if "==" in line]
    assert all(line.endswith("\\") for line in pins)


def test_a_run_that_was_not_whole_or_has_failures_is_not_good() -> None:
    def outcome(*, failures: int, is_whole: bool) -> bool:
        return Outcome(
            role="x",
            failures=[{}] * failures,
            is_whole=is_whole,
            counts=Counts([], {}),
            text="",
        ).is_good

    assert outcome(failures=0, is_whole=True)
    assert not outcome(failures=1, is_whole=True)
    assert not outcome(failures=0, is_whole=False)


def test_operation_ids_become_the_generated_modules_names() -> None:
    assert _snake_case("getMyScoreWhatIf") == "get_my_score_what_if"
    document = {"paths": {"/a": {method: {"operationId": method} for method in METHODS}}}
    assert operation_ids(document) == list(METHODS)


def test_the_generators_settings_can_be_read() -> None:
    path = Path(asking.__file__).with_name("generator.yml")
    assert yaml.safe_load(path.read_text())["post_hooks"] == []
