"""Benefits only: never on a basic service, never a lending score, always by a registered partner."""

import datetime as dt
from pathlib import Path

import pytest

from scoring.benefits import benefits_document, load_benefits
from scoring.benefits.load import BENEFITS_PATH
from scoring.lint.everything import lint

EDITION = BENEFITS_PATH.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('service_class = "commercial"', 'service_class = "basic"', "basic_service"),
        ("外借图书免交押金", "自来水先用后付", "basic_service"),
        ("外借图书免交押金", "医院先诊疗后付费", "basic_service"),
        ('benefit_type = "fee_cut"', 'benefit_type = "pay_later"', "loan_not_a_benefit"),
        ("免收账户管理费", "提高额度并免收账户管理费", "lending_score"),
        ("旅游专线和定制班车先乘车", "小额贷款先用后付", "loan_not_a_benefit"),
        ('purpose = "xinyiyue_deposit"', 'purpose = "curiosity"', "purpose_unknown"),
        ('partner = "city_library"', 'partner = "nobody"', "partner_unknown"),
        ('partner = "city_library"', 'partner = "city_bus"', "purpose_unknown"),
        ("threshold = 600", "threshold = 1001", "out_of_range"),
        ("threshold = 600", "threshold = 0", "out_of_range"),
        ("answer_valid_days = 30", "answer_valid_days = 31", "out_of_range"),
        ("valid_until = 2027-12-31", "valid_until = 2025-12-31", "never_in_force"),
        ('legal_basis = "《公共图书馆法》第三十三条；合作协议2026-05号"\n', "", "member_missing"),
        ('second_checker = "金融办 合规组"', 'second_checker = "信用办 应用组"', "author_checks_herself"),
        ("鼓励按期归还", "奖励献血者", "forbidden_input"),
        ('id = "xinyiyue_deposit_free"', 'id = "xinyiyou_ticket_price"', "doubled_entry"),
        ("threshold = 600", "threshold = 600\ncredit_limit = 5", "member_unreadable"),
    ],
)  # fmt: skip
def test_what_would_break_a_promise_is_refused(
    tmp_path: Path, old: str, new: str, rule: str
) -> None:
    assert old in EDITION
    path = tmp_path / "benefits.toml"
    path.write_text(EDITION.replace(old, new, 1), encoding="utf-8")
    problems = lint(benefits=path)
    rules = {problem.rule for problem in problems}
    assert rule in rules, problems
    assert all(problem.file == "benefits.toml" for problem in problems)


def test_at_least_six_scenes_are_live() -> None:
    document = benefits_document(load_benefits(), dt.date(2026, 6, 30))
    live = {item.scene for item in document.items if item.status == "live"}
    assert {"信易贷", "信易租", "信易行", "信易阅", "信易游", "信易批"} <= live


@pytest.mark.parametrize(
    ("as_of", "status"),
    [
        (dt.date(2025, 12, 31), "planned"),
        (dt.date(2026, 1, 1), "live"),
        (dt.date(2027, 12, 31), "live"),
        (dt.date(2028, 1, 1), "ended"),
    ],
)
def test_a_policy_lives_from_its_first_to_its_last_day(as_of: dt.date, status: str) -> None:
    document = benefits_document(load_benefits(), as_of)
    assert {item.status for item in document.items} == {status}
