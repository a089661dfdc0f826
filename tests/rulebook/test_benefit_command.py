"""`chengxin benefit add`: an entry is in the register whole, or the register is as it was."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.commands import app
from scoring.benefits import load_benefits
from scoring.benefits.load import BENEFITS_PATH
from scoring.errors import ChengxinError
from scoring.lint.everything import lint

GOOD = {
    "id": "xinyiyue_second_card",
    "scene": "信易阅",
    "partner": "city_library",
    "purpose": "xinyiyue_deposit",
    "benefit-type": "deposit_waiver",
    "service-class": "cultural",
    "threshold": "640",
    "what": "外文图书免押金借阅；不申请的读者照常在馆内阅览。",
    "valid-from": "2026-03-01",
    "valid-until": "2027-12-31",
    "legal-basis": "《公共图书馆法》第三十三条；合作协议2026-09号",
    "reason": "守信读者少跑一趟，不影响任何人借书。",
    "author": "信用办 应用组",
    "second-checker": "文化局 法规科",
    "review-on": "2027-01-01",
}
LOAN = {
    "id": "xinyidai_express",
    "scene": "信易贷",
    "partner": "harbour_bank",
    "purpose": "xinyidai_fee",
    "service-class": "commercial",
    "kind": "loan",
    "what": "已获批的个人经营贷款，免收账户管理费。",
}


@pytest.fixture
def register(tmp_path: Path) -> Path:
    return Path(shutil.copy(BENEFITS_PATH, tmp_path / "benefits.toml"))


def run(verb: str, register: Path, **changes: str | None) -> tuple[int, str]:
    done = CliRunner().invoke(app, words_of(verb, register, **changes))
    if isinstance(done.exception, ChengxinError):
        return done.exception.exit_code, f"{done.exception.code} {done.exception.what}"
    return done.exit_code, done.output


def words_of(verb: str, register: Path, **changes: str | None) -> list[str]:
    options = {**GOOD, **{name.replace("_", "-"): value for name, value in changes.items()}}
    pairs = ((f"--{name}", value) for name, value in options.items() if value is not None)
    return [
        "benefit",
        verb,
        *(word for pair in pairs for word in pair),
        "--benefits",
        str(register),
    ]


def loan(verb: str, register: Path, **changes: str) -> tuple[int, str]:
    plain = {name.replace("-", "_"): value for name, value in LOAN.items()}
    return run(verb, register, **{**plain, **changes})


def test_a_good_entry_is_added_and_the_linter_has_nothing_to_say(register: Path) -> None:
    code, out = run("add", register)
    assert (code, "xinyiyue_second_card" in out) == (0, True)
    added = load_benefits(register).policies[-1]
    assert (added.id, added.threshold, added.status) == ("xinyiyue_second_card", 640, "live")
    assert added.what == GOOD["what"]
    assert lint(benefits=register) == []
    assert register.read_bytes().startswith(BENEFITS_PATH.read_bytes().rstrip())


def test_the_shell_is_told_two_and_the_stable_word(register: Path) -> None:
    words = words_of("add", register, service_class="basic")
    done = subprocess.run(
        [sys.executable, "-m", "api.commands", *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.split()[0]) == (2, "basic_service_forbidden")


def test_check_writes_nothing(register: Path) -> None:
    before = register.read_bytes()
    assert run("check", register)[0] == 0
    assert register.read_bytes() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"service_class": "basic"},
        {"what": "按时缴费的，优先恢复供水。"},
        {"service_class": "basic", **dict.fromkeys(("id", "what", "threshold", "author"))},
    ],
    ids=["class", "wording", "class alone"],
)
def test_a_basic_service_ends_with_two(register: Path, changes: dict[str, str | None]) -> None:
    before = register.read_bytes()
    code, out = run("add", register, **changes)
    assert (code, out.split()[0]) == (2, "basic_service_forbidden")
    assert register.read_bytes() == before


@pytest.mark.parametrize("benefit_type", ["pay_later", "longer_loan", "simpler_papers"])
def test_of_a_loan_nothing_but_cost_deposit_or_speed(register: Path, benefit_type: str) -> None:
    before = register.read_bytes()
    code, out = loan("add", register, benefit_type=benefit_type)
    assert (code, out.split()[0]) == (4, "loan_not_a_benefit")
    assert register.read_bytes() == before


@pytest.mark.parametrize("benefit_type", ["fee_cut", "deposit_waiver", "fast_lane"])
def test_a_loan_s_cost_deposit_or_speed_may_be_added(register: Path, benefit_type: str) -> None:
    assert loan("check", register, benefit_type=benefit_type)[0] == 0


@pytest.mark.parametrize(
    ("changes", "code", "word"),
    [
        ({"threshold": None}, 4, "member_missing"),
        ({"second_checker": None}, 4, "member_missing"),
        ({"benefit_type": "cash"}, 4, ""),
        ({"id": "xinyidai_fee_cut"}, 4, "doubled_entry"),
        ({"partner": "nobody"}, 4, "partner_unknown"),
        ({"purpose": "xinyidai_fee"}, 4, "purpose_unknown"),
        ({"threshold": "5000"}, 4, "out_of_range"),
        ({"valid_until": "2025-01-01"}, 4, "never_in_force"),
        ({"what": '见下\n[[benefit]]\nid = "x"'}, 0, ""),
        ({"kind": "mortgage"}, 2, ""),
        ({"valid_from": "yesterday"}, 2, ""),
    ],
)
def test_what_the_linter_refuses_is_not_written(
    register: Path, changes: dict[str, str | None], code: int, word: str
) -> None:
    before = register.read_bytes()
    found, out = run("check", register, **changes)
    assert found == code, out
    assert not word or out.split()[0] == word
    assert register.read_bytes() == before
