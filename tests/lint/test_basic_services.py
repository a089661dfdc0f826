"""No score stands before a basic service, however its benefit is worded; loans give no lending score."""

import subprocess
import sys
from pathlib import Path

import pytest

from scoring.benefits import load_benefits
from scoring.benefits.load import BENEFITS_PATH
from scoring.lint.basic_services import named_basic_services
from scoring.lint.everything import lint

EDITION = BENEFITS_PATH.read_text(encoding="utf-8")
WHAT = "外借图书免交押金，可多借十册；馆内阅读和普通借阅对所有人不变。"

WORDINGS = {
    "水电气热": [
        "自来水费先用后付",
        "达到六百分不停水",
        "优先恢复供水",
        "电费月结",
        "欠费缓停电",
        "新装电表免押金",
        "天然气开户免押金",
        "煤气缓交",
        "燃气费月结",
        "暖气费分期",
        "冬季供暖优先",
        "采暖费减免",
    ],
    "医疗": [
        "先诊疗后付费",
        "住院免押金",
        "门诊先看病后付费",
        "医院挂号优先",
        "急救车优先",
        "医保报销快速通道",
        "疫苗接种优先",
        "社区卫生服务中心免排队",
        "药费分期",
    ],
    "教育": [
        "子女入学加分",
        "小学学位优先",
        "择校优先",
        "幼儿园入园优先",
        "高考报名快速通道",
        "学费缓交",
        "助学金优先",
        "中考加分",
    ],
    "社会保险与救助": [
        "社保补缴优惠",
        "养老金提前发放",
        "最低生活保障优先审批",
        "低保快速办理",
        "失业保险金快速发放",
        "工伤保险优先",
        "生育保险优先",
        "残疾人补贴优先",
        "临时救助优先",
    ],
    "基本公共交通": [
        "公交车票八折",
        "公共汽车先乘后付",
        "地铁先乘后付",
        "轨道交通免押金",
        "火车票优先购买",
        "高铁退票免费",
        "轮渡船票优惠",
    ],
    "住房分配": [
        "公租房轮候加分",
        "廉租房优先",
        "保障性住房优先摇号",
        "保障性租赁住房免押金",
        "经济适用房优先",
        "共有产权房优先",
        "住房公积金额度上浮",
        "安置房优先选房",
    ],
}
TABLE = [(service, wording) for service, wordings in WORDINGS.items() for wording in wordings]


@pytest.mark.parametrize(("service", "wording"), TABLE, ids=[wording for _, wording in TABLE])
def test_a_benefit_that_speaks_of_it_is_refused(tmp_path: Path, service: str, wording: str) -> None:
    assert service in named_basic_services(wording)
    register = tmp_path / "benefits.toml"
    register.write_text(EDITION.replace(WHAT, wording), encoding="utf-8")
    assert "basic_service" in {problem.rule for problem in lint(benefits=register)}


def test_the_table_speaks_of_every_service_the_linter_knows() -> None:
    from scoring.lint.basic_services import basic_services

    assert {service.name for service in basic_services()} == set(WORDINGS)


def test_what_is_registered_today_names_none() -> None:
    for policy in load_benefits().policies:
        assert named_basic_services(policy.what + policy.scene) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "信易阅-免押借阅"', 'name = "地铁先乘后付"'),
        ('name = "市图书馆"', 'name = "市自来水公司"'),
    ],
)
def test_neither_a_purpose_nor_a_partner_can_carry_it_in(
    tmp_path: Path, old: str, new: str
) -> None:
    register = tmp_path / "benefits.toml"
    assert old in EDITION
    register.write_text(EDITION.replace(old, new), encoding="utf-8")
    assert "basic_service" in {problem.rule for problem in lint(benefits=register)}


def test_the_command_refuses_with_its_exit_code(tmp_path: Path) -> None:
    register = tmp_path / "benefits.toml"
    register.write_text(EDITION.replace('class = "cultural"', 'class = "basic"'), encoding="utf-8")
    command = [sys.executable, "-m", "api.commands", "lint", f"--benefits={register}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "(basic_service)" in done.stdout
    assert "lint_refused" in done.stderr


@pytest.mark.parametrize("kind", ["pay_later", "longer_loan", "simpler_papers"])
@pytest.mark.parametrize(
    "what",
    ["个人贷款免担保", "小额借款展期", "授信优惠", "信用卡免年费", "消费信贷优惠", "按揭优惠"],
)
def test_of_a_loan_only_cost_deposit_or_speed_may_follow(
    tmp_path: Path, kind: str, what: str
) -> None:
    register = tmp_path / "benefits.toml"
    text = EDITION.replace(WHAT, what).replace(
        'purpose = "xinyiyue_deposit"\nbenefit_type = "deposit_waiver"',
        f'purpose = "xinyiyue_deposit"\nbenefit_type = "{kind}"',
    )
    assert f'benefit_type = "{kind}"' in text
    register.write_text(text, encoding="utf-8")
    assert "loan_not_a_benefit" in {problem.rule for problem in lint(benefits=register)}


def test_no_member_of_the_partners_interface_is_a_lending_score() -> None:
    from api.partner.decision import EligibilityAnswer

    assert EligibilityAnswer.__struct_fields__ == (
        "eligible",
        "policy",
        "valid_until",
        "decision_id",
        "snapshot",
    )
