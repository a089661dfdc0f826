"""What the linter must find, and what it must leave alone."""

import pytest

from scoring.lint.forbidden import find_forbidden, find_forbidden_field, forbidden_inputs

FORBIDDEN = {
    "religion": ["宗教信仰", "是否佛教徒", "religious affiliation"],
    "ethnicity": ["民族", "少数民族加分", "ethnic group"],
    "party": ["政治面貌为党员", "优秀党员", "party members"],
    "health": ["健康状况", "疫苗接种", "medical history"],
    "blood_donation": ["无偿献血三次", "血型", "blood donation"],
    "genes": ["基因检测", "指纹采集", "genetic data"],
    "marriage": ["婚姻状况", "高价彩礼", "marital status"],
    "schooling": ["学历", "文化程度", "education level"],
    "household_registration": ["户口性质", "户籍所在地", "居住证"],
    "sex": ["性别", "女性", "gender", "身份号码第十七位"],
    "petitions": ["越级上访", "信访次数", "petitions filed"],
    "demolition": ["配合拆迁", "签订征收补偿协议", "钉子户"],
    "traffic": ["闯红灯", "不礼让行人", "非机动车逆行", "traffic violations"],
    "dogs": ["养犬不牵绳", "不文明养 犬", "dogs"],
    "property_fees": ["拖欠物业费", "物 业 费", "property fees"],
    "rubbish_sorting": ["垃圾分类", "厨余未分拣", "garbage"],
    "location": ["行踪轨迹", "家庭住址", "GPS"],
    "speech": ["网络言论", "朋友圈", "social media"],
    "purchases": ["网购记录", "消费习惯", "shopping"],
    "relatives": ["配偶失信", "家庭成员", "relatives"],
    "employer_penalties": ["所在单位处罚", "企业失信穿透", "employer"],
    "volunteering": ["志愿服务时长", "volunteer hours"],
}

HARMLESS = [
    "法定守信荣誉",
    "规定时限内全部履行承诺",
    "按时归还图书、公共自行车",
    "先离场后付费停车逾期缴费",
    "水费、电费、燃气费逾期",
    "交通运输局",
    "法院确认的未履行义务",
    "提供虚假材料申报、骗取公共资金、冒领社会保障待遇",
    "严重性由处罚类别决定，一致性由第二人核对",
    "主动性、自愿性原则",
    "《国务院关于建立完善守信联合激励和失信联合惩戒制度加快推进社会诚信建设的指导意见》",
    "促进社会信用体系健康发展",
    "《民事诉讼法》执行程序编",
    "第三方 third party contract, kept on time",
    "personal effects of the general rule, essential petals",
    "统一社会信用代码",
]


@pytest.mark.parametrize(("input_id", "texts"), FORBIDDEN.items())
def test_a_forbidden_input_is_found_by_its_wording(input_id: str, texts: list[str]) -> None:
    for text in texts:
        assert input_id in {finding.input_id for finding in find_forbidden(text)}, text


@pytest.mark.parametrize("text", HARMLESS)
def test_wording_that_only_looks_like_one_is_left_alone(text: str) -> None:
    assert find_forbidden(text) == []


@pytest.mark.parametrize(
    ("code", "input_id"),
    [
        ("XDR_XB", "sex"),
        ("gender", "sex"),
        ("ZZMM", "party"),
        ("citizen_health_status", "health"),
        ("HYZK", "marriage"),
        ("家庭住址", "location"),
    ],
)
def test_a_forbidden_field_is_found_by_its_code(code: str, input_id: str) -> None:
    assert input_id in {finding.input_id for finding in find_forbidden_field(code)}


@pytest.mark.parametrize("code", ["CF_XDR_MC", "CF_FRDB", "LY_ZT", "XDR_ZJHM", "CF_SY", "JR_BH"])
def test_codes_of_the_national_lists_are_left_alone(code: str) -> None:
    assert find_forbidden_field(code) == []


def test_the_allowed_phrase_does_not_hide_a_second_hit() -> None:
    found = find_forbidden("促进健康发展，核查健康状况")
    assert [finding.hit for finding in found] == ["健康"]


def test_every_entry_says_why_and_on_what_basis() -> None:
    for entry in forbidden_inputs():
        assert entry.reason, entry.id
        assert entry.legal_basis, entry.id
        assert entry.words, entry.id
    ids = [entry.id for entry in forbidden_inputs()]
    assert len(ids) == len(set(ids))
