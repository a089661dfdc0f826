"""Departments' files for the door's tests: one good file per kind, people of division 990000."""

import csv
import datetime as dt
import hashlib
import io
from functools import cache
from pathlib import Path

import msgspec

from scoring.catalogue import load_catalogue
from scoring.contract.pseudonyms import subject_of
from scoring.delivery import DeliveryNote, note_path
from scoring.identifiers import id_number, uscc

LAKE_KEY = bytes(range(32))
SENT_ON = dt.date(2026, 10, 31)
ROWS = 24  # enough that a few bad rows are a few and not most
BUCKETS = "AZa9-_"  # first characters of pseudonyms, from both ends of the lake and between

Row = dict[str, str]

DEPARTMENTS = {
    "commitment": "approval",
    "contract_performance": "library",
    "court_obligation": "court",
    "penalty": "market_regulation",
    "honour": "civil_affairs",
    "organisation_register": "market_regulation",
}
PERSON_KINDS = tuple(kind for kind in DEPARTMENTS if kind != "organisation_register")


@cache
def person(number: int) -> str:
    """ID number of the synthetic person `number`. All of them stand in a few buckets of the lake:
    then a part of it holds rows to be put in order, and a file of few rows makes few parts."""
    born = (_born_in(year, number) for year in range(1930, 2008))
    return next(one for one in born if subject_of(LAKE_KEY, one)[0] in BUCKETS)


def _born_in(year: int, number: int) -> str:
    first_17 = f"990000{year}{number % 12 + 1:02d}{number % 28 + 1:02d}{number % 1000:03d}"
    return first_17 + id_number.check_digit_of(first_17)


def organisation(number: int) -> str:
    body = f"12990000{number:08d}"
    first_17 = body + uscc.organisation_check_character_of(body[8:])
    return first_17 + uscc.check_character_of(first_17)


def _day(number: int) -> str:
    return f"2026/{number % 9 + 1:02d}/{number % 28 + 1:02d}"


def _commitment(n: int) -> Row:
    state = ("全部履行", "部分履行", "全部未履行")[n % 3]
    return {
        "承诺编码": f"99000020260101{n:06d}",
        "承诺人名称": f"测试人{n}",
        "承诺人类别": "自然人",
        "承诺人代码": person(n),
        "承诺类型": "主动型",
        "承诺事由": "申请材料真实",
        "承诺内容": "按期补齐材料",
        "违诺责任": "撤销决定",
        "承诺作出日期": "2026/01/01",
        "承诺履行状态": state,
        "未履行的承诺内容": "" if n % 3 == 0 else "未按期补齐",
        "违诺责任追究内容": "" if n % 3 == 0 else "限期改正",
        "认定日期": _day(n),
        "承诺受理单位": "行政审批局",
        "承诺受理单位代码": organisation(1),
        "公开类型": "特定范围内公开",
    }


def _contract(n: int) -> Row:
    is_late = n % 4 == 1
    return {
        "HT_BH": f"HT{n:06d}",
        "HT_LX": "图书借阅",
        "XDR_ZJHM": person(n),
        "HT_QX": "2026-03",
        "YQ_RQ": "2026/03/15",
        "SJ_RQ": "2026/03/25" if is_late else "2026/03/14",
        "LY_ZT": "逾期履约" if is_late else "按时履约",
        "YQ_TS": "10" if is_late else "",
        "JR_BH": f"JR{n:06d}",
        "LYDW": "市图书馆",
        "LYDWDM": organisation(2),
    }


def _court(n: int) -> Row:
    is_met = n % 2 == 1
    return {
        "AH": f"（2026）测0100民初{n}号",
        "XDR_ZJHM": person(n),
        "SX_WS": "民事判决书",
        "YW_NR": "返还借款",
        "QR_RQ": "2026/02/01",
        "LX_ZT": "已履行" if is_met else "未履行",
        "LX_RQ": _day(n) if is_met and _day(n) >= "2026/02/01" else "2026/09/01" if is_met else "",
        "FY_MC": "人民法院",
        "FY_DM": organisation(3),
    }


def _penalty(n: int) -> Row:
    category = ("警告", "罚款", "罚款;吊销许可证件")[n % 3]
    return {
        "CF_XDR_MC": f"测试人{n}",
        "CF_XDR_LB": "自然人",
        "CF_XDR_ZJLX": "身份证",
        "CF_XDR_ZJHM": person(n),
        "CF_WSH": f"测市监罚〔2026〕{n}号",
        "CF_WFXW": "提供虚假材料申报",
        "CF_SY": "提交虚假材料",
        "CF_YJ": "有关规定",
        "CF_CFLB": category,
        "CF_NR": "见决定书",
        "CF_NR_FK": "0.2" if "罚款" in category else "",
        "CF_NR_ZKDX": "某许可证" if "吊销" in category else "",
        "CF_JDRQ": _day(n),
        "CF_YXQ": "2099/12/31",
        "CF_CFJG": "市场监督管理局",
        "CF_CFJGDM": organisation(4),
        "CF_SJLY": "市场监督管理局",
        "CF_SJLYDM": organisation(4),
    }


def _honour(n: int) -> Row:
    return {
        "RY_BH": f"RY{n:06d}",
        "XDR_ZJHM": person(n),
        "RY_MC": "诚实守信模范",
        "RY_JB": ("市级", "省级", "国家级")[n % 3],
        "RY_YJ": "评选表彰规定",
        "SY_RQ": _day(n),
        "SYJG": "民政局",
        "SYJGDM": organisation(5),
    }


def _organisation(n: int) -> Row:
    return {
        "JGMC": f"测试公司{n}",
        "TYSHXYDM": organisation(100 + n),
        "ZCDZ_XZQH": "990000",
        "CLRQ": "2001-05-06",
        "ZT": "存续",
    }


_MAKERS = {
    "commitment": _commitment,
    "contract_performance": _contract,
    "court_obligation": _court,
    "penalty": _penalty,
    "honour": _honour,
    "organisation_register": _organisation,
}


@cache
def header(kind: str) -> list[str]:
    source = load_catalogue().kind(kind)
    assert source is not None
    return source.header()


def good_rows(kind: str, rows: int = ROWS) -> list[Row]:
    return [
        {code: _MAKERS[kind](number).get(code, "") for code in header(kind)}
        for number in range(rows)
    ]


def as_csv(kind: str, rows: list[Row]) -> bytes:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, header(kind), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()


def good_file(kind: str) -> bytes:
    return as_csv(kind, good_rows(kind))


def deliver(folder: Path, kind: str, content: bytes, /, **note: object) -> Path:
    """Write `content` with a note that fits it, but for the members given."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{DEPARTMENTS[kind]}-001.csv"
    file.write_bytes(content)
    lines = content.count(b"\n") + (not content.endswith(b"\n"))
    members: dict[str, object] = {
        "file": file.name,
        "kind": kind,
        "department_code": DEPARTMENTS[kind],
        "rows": max(lines - 1, 0),
        "sha256": hashlib.sha256(content).hexdigest(),
        "sent_on": SENT_ON,
    }
    path = note_path(file)
    path.write_bytes(msgspec.json.encode(msgspec.convert(members | note, DeliveryNote)))
    return file
