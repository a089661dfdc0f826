"""What the linter must find, and what it must leave alone."""

import pytest

from scoring.lint.basic_services import named_basic_services
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
    "行业主管部门",
    "行政审批局",
    "账户主体，由客户主动申请",
    "加入团队之前",
    "重大专项资金",
    "本科室受理",
    "合同续签到期后",
    "具体重要事项，整体重点推进",
    "排名前六位的单位",
    "先生成文件，再核对签名",
    "中共中央办公厅 国务院办公厅",
    "法定代表人",
    "退还 985 元",
    "法定繼承之外的合同義務",
]


# The same inputs by other names: traditional characters, a wider word, what stands for it.
DISGUISED = {
    "religion": ["宗教活動", "每周礼佛", "祷告次数"],
    "ethnicity": ["少數民族", "按姓氏分组", "维吾尔语"],
    "party": ["黨員身份", "共青团关系", "党龄"],
    "health": ["健康狀況", "门诊次数", "看病记录", "医保状态", "心理咨询"],
    "blood_donation": ["無償獻血", "血小板"],
    "genes": ["刷脸通过", "脸部特征", "声音识别"],
    "marriage": ["婚姻狀況", "单身满一年", "夫妻共同债务"],
    "schooling": ["學歷", "博士", "研究生", "本科以上"],
    "household_registration": ["戶口", "身份证前六位", "公民身份号码前六位", "residence permit"],
    "sex": ["性別", "男士", "身份证第17位", "身份证号倒数第二位"],
    "petitions": ["信訪", "进京反映问题"],
    "demolition": ["拆遷"],
    "dogs": ["養犬", "養 犬"],
    "property_fees": ["物業費", "物管费", "小区管理费", "业主缴费"],
    "rubbish_sorting": ["垃圾分類"],
    "location": ["IP地址", "居住小区", "出入小区次数", "门禁"],
    "speech": ["网上评论", "直播内容", "群聊"],
    "purchases": ["消費習慣", "打赏金额", "游戏充值", "信用卡账单"],
    "relatives": ["与户主关系", "兄弟", "亲友"],
    "employer_penalties": ["雇主", "公司被处罚"],
    "volunteering": ["时间银行", "志願服務"],
}
DISGUISED_FIELDS = {
    "maritalStatus": "marriage",
    "bloodDonationCount": "blood_donation",
    "citizenGender": "sex",
    "dogLicence": "dogs",
    "XDR_XINGBIE": "sex",
    "hunyin": "marriage",
    "laji_fenlei": "rubbish_sorting",
    "chuangHongDeng": "traffic",
    "WUYE_QF": "property_fees",
    "minzu": "ethnicity",
}


@pytest.mark.parametrize(("input_id", "texts"), DISGUISED.items())
def test_another_name_for_a_forbidden_input_does_not_hide_it(
    input_id: str, texts: list[str]
) -> None:
    for text in texts:
        assert input_id in {finding.input_id for finding in find_forbidden(text)}, text


@pytest.mark.parametrize(("code", "input_id"), DISGUISED_FIELDS.items())
def test_neither_humps_nor_pinyin_hide_a_forbidden_field(code: str, input_id: str) -> None:
    assert input_id in {finding.input_id for finding in find_forbidden_field(code)}


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


@pytest.mark.parametrize("hidden", ["宗\u2060教信仰", "宗\u00ad教", "献\ufe0f血", "ge\u200bnder"])
def test_invisible_characters_hide_no_word(hidden: str) -> None:
    assert find_forbidden(hidden)


@pytest.mark.parametrize("hidden", ["自\u2060来水先用后付", "自 来 水", "公·交·车", "⾃来水"])
def test_a_basic_service_is_named_however_it_is_written(hidden: str) -> None:
    assert named_basic_services(hidden)
