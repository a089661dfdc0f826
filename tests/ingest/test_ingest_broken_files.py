"""Everything that arrives broken: refused whole, or its bad rows named and the rest taken.

Three tables over one good file of each person kind. `where` of a refusal is `file:line`; a reject
names file, line, column and rule.
"""

import csv
import datetime as dt
import gzip
import hashlib
import io
import random
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from scoring.catalogue import Catalogue
from scoring.delivery import note_path
from scoring.errors import InputRefused
from scoring.ingest import IngestReport, ingest_file
from scoring.ingest.delivery_note import read_note
from scoring.ingest.limits import standard_limits
from scoring.lake.manifest import MANIFEST_NAME
from tests.ingest.city_files import (
    LAKE_KEY,
    PERSON_KINDS,
    ROWS,
    Row,
    as_csv,
    deliver,
    good_file,
    good_rows,
    person,
)
from tests.ingest.conftest import lake_digest, lake_facts

Ingest = Callable[[Path], IngestReport]
Break = Callable[[bytes], bytes]

ID_COLUMN = {
    "commitment": "承诺人代码",
    "contract_performance": "XDR_ZJHM",
    "court_obligation": "XDR_ZJHM",
    "penalty": "CF_XDR_ZJHM",
    "honour": "XDR_ZJHM",
}
KEY_COLUMN = {
    "commitment": "承诺编码",
    "contract_performance": "HT_BH",
    "court_obligation": "AH",
    "penalty": "CF_WSH",
    "honour": "RY_BH",
}
DAY_COLUMN = {
    "commitment": "认定日期",
    "contract_performance": "YQ_RQ",
    "court_obligation": "QR_RQ",
    "penalty": "CF_JDRQ",
    "honour": "SY_RQ",
}
CODE_COLUMN = {
    "commitment": "承诺受理单位代码",
    "contract_performance": "LYDWDM",
    "court_obligation": "FY_DM",
    "penalty": "CF_SJLYDM",
    "honour": "SYJGDM",
}
LISTED_COLUMN = {
    "commitment": "承诺类型",
    "contract_performance": "LY_ZT",
    "court_obligation": "LX_ZT",
    "penalty": "CF_CFLB",
    "honour": "RY_JB",
}
NOTE_COLUMN = {kind: "备注" if kind == "commitment" else "BZ" for kind in PERSON_KINDS}


def _zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.csv", content)
    return buffer.getvalue()


def _in_header(change: Callable[[list[str]], list[str]]) -> Break:
    """Change the header and every row alike, as a sender's other export would."""

    def broken(content: bytes) -> bytes:
        rows = [change(row) for row in csv.reader(io.StringIO(content.decode()))]
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows(rows)
        return buffer.getvalue().encode()

    return broken


def _header_line(change: Callable[[str], str]) -> Break:
    def broken(content: bytes) -> bytes:
        first, _, rest = content.decode().partition("\n")
        return f"{change(first)}\n{rest}".encode()

    return broken


def _other_case(first: str) -> str:
    return first.lower() if first != first.lower() else first.replace("备注", "备 注")


def _nul_in_line_3(content: bytes) -> bytes:
    lines = content.split(b"\n")
    lines[2] = lines[2][:5] + b"\0" + lines[2][5:]
    return b"\n".join(lines)


def _latin1_in_line_4(content: bytes) -> bytes:
    lines = content.split(b"\n")
    lines[3] += b"\xe9\xff"
    return b"\n".join(lines)


# name: change of the file, code of the refusal, place it names
REFUSED_FILES: dict[str, tuple[Break, str, str]] = {
    "empty": (lambda _: b"", "empty", ""),
    "header only": (lambda c: c[: c.index(b"\n") + 1], "header_only", ":1"),
    "header only, no line end": (lambda c: c[: c.index(b"\n")], "header_only", ":1"),
    "rows only": (lambda c: c[c.index(b"\n") + 1 :], "header_differs", ":1"),
    "CR alone": (lambda c: c.replace(b"\n", b"\r"), "line_ends", ""),
    "GBK": (lambda c: c.decode().encode("gbk"), "not_utf8", ":"),
    "GB18030 undeclared": (lambda c: c.decode().encode("gb18030"), "not_utf8", ":"),
    "Latin-1 in line 4": (_latin1_in_line_4, "not_utf8", ":4"),
    "UTF-16 with BOM": (lambda c: c.decode().encode("utf-16"), "not_utf8", ""),
    "UTF-16 without BOM": (lambda c: c.decode().encode("utf-16-le"), "nul_bytes", ":1"),
    "NUL bytes": (_nul_in_line_3, "nul_bytes", ":3"),
    "gzip": (lambda c: gzip.compress(c, mtime=0), "compressed", ""),
    "zip": (_zipped, "compressed", ""),
    "HTML": (lambda _: b"<!DOCTYPE html>\n<html><body>503</body></html>\n", "not_csv", ""),
    "HTML after a BOM": (lambda _: b"\xef\xbb\xbf\n <html>\n</html>\n", "not_csv", ""),
    "XML": (lambda _: b'<?xml version="1.0"?>\n<rows/>\n', "not_csv", ""),
    "JSON": (lambda _: b'[{"a": 1},\n {"a": 2}]\n', "not_csv", ""),
    "Parquet": (lambda _: b"PAR1\n\n", "not_csv", ""),
    "semicolons": (lambda c: c.replace(b",", b";"), "header_differs", ":1"),
    "tabs": (lambda c: c.replace(b",", b"\t"), "header_differs", ":1"),
    "missing column": (_in_header(lambda row: row[:-1]), "header_differs", ":1"),
    "missing first column": (_in_header(lambda row: row[1:]), "header_differs", ":1"),
    "extra column": (_in_header(lambda row: [*row, "X"]), "header_differs", ":1"),
    "swapped columns": (_in_header(lambda r: [r[1], r[0], *r[2:]]), "header_differs", ":1"),
    "doubled column": (_in_header(lambda row: [row[0], *row]), "header_differs", ":1"),
    "renamed column": (_header_line(lambda h: "X" + h), "header_differs", ":1"),
    "other case": (_header_line(_other_case), "header_differs", ":1"),
    "space in the header": (_header_line(lambda h: h + " "), "header_differs", ":1"),
    "every row twice": (lambda c: c + c[c.index(b"\n") + 1 :], "too_many_bad_rows", ":2:"),
    "every row short": (
        lambda c: b"\n".join([*c.split(b"\n")[:1], *(b"a,b" for _ in range(ROWS))]),
        "too_many_bad_rows",
        ":2:",
    ),
}


@pytest.mark.parametrize("name", REFUSED_FILES)
@pytest.mark.parametrize("kind", PERSON_KINDS)
def test_a_broken_file_is_refused_and_leaves_nothing(
    name: str, kind: str, tmp_path: Path, lake: Path, ingest: Ingest
) -> None:
    change, code, place = REFUSED_FILES[name]
    content = change(good_file(kind))
    assert content != good_file(kind)
    file = deliver(tmp_path / "in", kind, content)
    with pytest.raises(InputRefused) as refused:
        ingest(file)
    assert refused.value.code == code
    assert refused.value.where.startswith(file.name + place)
    assert refused.value.exit_code == 4
    assert lake_digest(lake) == {}


def _cut_tail(content: bytes) -> bytes:
    return content[:-20]


def _half(content: bytes) -> bytes:
    lines = content.split(b"\n")
    return b"\n".join(lines[: len(lines) // 2]) + b"\n"


def _flipped_bit(content: bytes) -> bytes:
    place = random.Random(1).randrange(200, len(content) - 1)
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize("kind", PERSON_KINDS)
@pytest.mark.parametrize("change", [_cut_tail, _half, _flipped_bit])
def test_a_file_changed_on_its_way_is_refused(
    change: Break, kind: str, tmp_path: Path, lake: Path, ingest: Ingest
) -> None:
    file = deliver(tmp_path / "in", kind, good_file(kind))
    file.write_bytes(change(good_file(kind)))
    with pytest.raises(InputRefused, match="digest_differs"):
        ingest(file)
    assert lake_digest(lake) == {}


@pytest.mark.parametrize(
    ("note", "code"),
    [
        ({"rows": ROWS + 1}, "rows_differ"),
        ({"rows": ROWS - 1}, "rows_differ"),
        ({"rows": 0}, "rows_differ"),
        ({"sha256": "0" * 64}, "digest_differs"),
        ({"file": "another.csv"}, "note_of_another_file"),
        ({"kind": "petition"}, "not_in_catalogue"),
        ({"kind": "organisation_register"}, "header_differs"),
        ({"department_code": "library"}, "department_not_in_catalogue"),
        ({"department_code": "nobody"}, "department_not_in_catalogue"),
        ({"encoding": "gb18030"}, ""),
    ],
)
def test_a_file_that_is_not_what_its_note_says_is_refused(
    note: dict[str, object], code: str, tmp_path: Path, lake: Path, ingest: Ingest
) -> None:
    kind = "honour"
    if note.get("kind") == "organisation_register":
        note = note | {"department_code": "civil_affairs"}
    file = deliver(tmp_path / "in", kind, good_file(kind), **note)
    with pytest.raises(InputRefused) as refused:
        ingest(file)
    assert code in ("", refused.value.code)
    assert lake_digest(lake) == {}


def test_a_digest_in_capitals_is_the_same_digest(tmp_path: Path, ingest: Ingest) -> None:
    content = good_file("honour")
    digest = hashlib.sha256(content).hexdigest().upper()  # as certutil and PowerShell write it
    assert ingest(deliver(tmp_path / "in", "honour", content, sha256=digest)).status == "accepted"


def test_a_file_without_a_note_is_refused(tmp_path: Path, ingest: Ingest) -> None:
    file = deliver(tmp_path / "in", "honour", good_file("honour"))
    note_path(file).unlink()
    with pytest.raises(InputRefused, match="note_missing"):
        ingest(file)


NOTE = b'{"file":"a","kind":"honour","department_code":"x","sent_on":"2026-01-01",%s}'


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"{",
        b"[]",
        b'{"file": 1}',
        b"\xff\xfe{}",
        NOTE % (b'"rows":-1,"sha256":"' + b"0" * 64 + b'"'),
        NOTE % b'"rows":1,"sha256":"00"',
    ],
)
def test_an_unreadable_note_is_refused(note: bytes, tmp_path: Path, ingest: Ingest) -> None:
    file = deliver(tmp_path / "in", "honour", good_file("honour"))
    note_path(file).write_bytes(note)
    with pytest.raises(InputRefused, match="note_unreadable"):
        ingest(file)


def _cell(column: dict[str, str], value: str) -> Callable[[str, Row], str]:
    """Set a cell; returns its column."""

    def broken(kind: str, row: Row) -> str:
        row[column[kind]] = value
        return column[kind]

    return broken


def _id(change: Callable[[str], str]) -> Callable[[str, Row], str]:
    def broken(kind: str, row: Row) -> str:
        row[ID_COLUMN[kind]] = change(row[ID_COLUMN[kind]])
        return ID_COLUMN[kind]

    return broken


def _last_digit(number: str) -> str:
    return number[:-1] + ("1" if number[-1] != "1" else "2")


def _full_width(text: str) -> str:
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


# name: change of a row, rule its column breaks
REJECTED_CELLS: dict[str, tuple[Callable[[str, Row], str], str]] = {
    "ID with a wrong check digit": (_id(_last_digit), "id_number_check_digit"),
    "ID of 17 digits": (_id(lambda n: n[:-1]), "id_number_length"),
    "ID of 15 digits": (_id(lambda n: n[:6] + n[8:17]), "id_number_fifteen_digits"),
    "ID as a spreadsheet's number": (_id(lambda _: "9.9E+17"), "id_number_length"),
    "ID without its leading digits": (_id(lambda n: n[2:]), "id_number_length"),
    "ID with a lower-case x": (_id(lambda n: n[:17] + "x"), "id_number_lower_case_x"),
    "ID in full-width digits": (_id(_full_width), "id_number_characters"),
    "ID with a space before": (_id(lambda n: " " + n), "id_number_length"),
    "ID with a space inside": (_id(lambda n: n[:5] + " " + n[6:]), "id_number_characters"),
    "ID born on 30 February": (_id(lambda n: n[:10] + "0230" + n[14:]), "id_number_birth_date"),
    "ID missing": (_id(lambda _: ""), "required"),
    "key missing": (_cell(KEY_COLUMN, ""), "required"),
    "key a formula": (_cell(KEY_COLUMN, "=1+1"), ""),
    "note a formula": (_cell(NOTE_COLUMN, '=HYPERLINK("x")'), "formula"),
    "note with @": (_cell(NOTE_COLUMN, "@SUM(1)"), "formula"),
    "note with an escape": (_cell(NOTE_COLUMN, "a\x1b[0m"), "control_character"),
    "note with a tab": (_cell(NOTE_COLUMN, "a\tb"), "control_character"),
    "note with a turned direction": (_cell(NOTE_COLUMN, "甲\u202e乙"), "control_character"),
    "note with a zero-width space": (_cell(NOTE_COLUMN, "甲\u200b乙"), "control_character"),
    "note with a lone CR": (_cell(NOTE_COLUMN, "甲\r乙"), ""),
    "note damaged before": (_cell(NOTE_COLUMN, "甲\ufffd"), "replacement_character"),
    "note with a space after": (_cell(NOTE_COLUMN, "甲 "), "space_around"),
    "note with a wide space before": (_cell(NOTE_COLUMN, "\u3000甲"), "space_around"),
    "note too long": (_cell(NOTE_COLUMN, "长" * 513), "too_long"),
    "note of 200,000 characters": (_cell(NOTE_COLUMN, "x" * 200_000), "too_long"),
    "day that is none": (_cell(DAY_COLUMN, "2026/02/30"), "not_a_day"),
    "day in words": (_cell(DAY_COLUMN, "二〇二六年"), "not_a_day"),
    "day without zeros": (_cell(DAY_COLUMN, "2026/3/5"), "not_a_day"),
    "day of two styles": (_cell(DAY_COLUMN, "2026/03-05"), "not_a_day"),
    "day in American order": (_cell(DAY_COLUMN, "03/05/2026"), "not_a_day"),
    "day as a spreadsheet's number": (_cell(DAY_COLUMN, "46088"), "not_a_day"),
    "day in full-width digits": (_cell(DAY_COLUMN, _full_width("2026/03/05")), "not_a_day"),
    "day with a time": (_cell(DAY_COLUMN, "2026-03-05 10:00"), "not_a_day"),
    "day after sending": (_cell(DAY_COLUMN, "2026/11/01"), "in_the_future"),
    "value not listed": (_cell(LISTED_COLUMN, "不详"), "value_not_listed"),
    "value with a space": (_cell(LISTED_COLUMN, "未履行 "), "value_not_listed"),
    "code with a wrong check": (_cell(CODE_COLUMN, "129900000000000012"), ""),
    "code too short": (_cell(CODE_COLUMN, "1299"), "uscc_length"),
    "code with an I": (_cell(CODE_COLUMN, "1299000000000000I2"), "uscc_characters"),
}


# name: change of a line, rule the row breaks
REJECTED_LINES: dict[str, tuple[Callable[[str], str], str]] = {
    "short row": (lambda line: line.rpartition(",")[0], "short_row"),
    "cut row": (lambda line: line[: len(line) // 2].rpartition(",")[0], "short_row"),
    "long row": (lambda line: line + ",x", "long_row"),
    "blank line": (lambda _: "", "blank_line"),
    "quote in a bare cell": (lambda line: line.replace(",", 'a"b,', 1), "quotes"),
    "quote never closed": (lambda line: f'"{line}', "quotes"),
    "text after a closed quote": (lambda line: f'"a"b,{line}', "quotes"),
    "short row in quotes": (lambda line: f'"{line.replace(",", ";")}"', "short_row"),
    "long row in quotes": (lambda line: f'{line},"a,b"', "long_row"),
    "bell after the line": (lambda line: line + "\x07", "control_character"),
    "cell of 100,000 quoted characters": (lambda line: f'{line}"{"x" * 200_000}"', "quotes"),
}


def _many_rows(kind: str) -> tuple[list[str], dict[int, tuple[str, str, str]]]:
    """Lines of a file in which every third data row is broken in another way; line -> what to find."""
    rows = good_rows(kind, 3 * (len(REJECTED_CELLS) + len(REJECTED_LINES)) + 30)
    expected: dict[int, tuple[str, str, str]] = {}
    for number, (name, (change, rule)) in enumerate(REJECTED_CELLS.items()):
        expected[3 * number + 2] = (name, change(kind, rows[3 * number]), rule)
    lines = as_csv(kind, rows).decode().removesuffix("\n").split("\n")
    for number, (name, (broken, rule)) in enumerate(REJECTED_LINES.items(), len(REJECTED_CELLS)):
        line = 3 * number + 2
        lines[line - 1] = broken(lines[line - 1])
        column = NOTE_COLUMN[kind] if rule == "control_character" else ""
        expected[line] = (name, column, rule)
    return lines, expected


@pytest.mark.parametrize("kind", PERSON_KINDS)
def test_each_broken_row_is_named_by_line_column_and_rule_and_the_rest_is_taken(
    kind: str, tmp_path: Path, lake: Path, catalogue: Catalogue
) -> None:
    lines, expected = _many_rows(kind)
    file = deliver(tmp_path / "in", kind, ("\n".join(lines) + "\n").encode())
    patient = msgspec.structs.replace(standard_limits(), max_rejected_permille=400)
    report = ingest_file(file, lake=lake, catalogue=catalogue, lake_key=LAKE_KEY, limits=patient)
    assert report.rejects_path is not None
    with (lake / report.rejects_path).open(encoding="utf-8", newline="") as rejects:
        found = {(int(row["line"]), row["column"]): row["rule"] for row in csv.DictReader(rejects)}
    for line, (name, column, rule) in expected.items():
        assert (line, column) in found, (name, line, column)
        assert rule in ("", found[line, column]), (name, found[line, column])
    assert {line for line, _ in found} == set(expected)
    assert report.rejected == len(expected)
    taken = set(lake_facts(lake)["line"])
    assert taken == set(range(2, len(lines) + 1)) - set(expected)


def _late(**cells: str) -> Row:
    return {"LY_ZT": "逾期履约", "SJ_RQ": "", "YQ_TS": "5"} | cells


# kind, change of line 5, column, rule
REJECTED_ROWS: list[tuple[str, Row, str, str]] = [
    ("commitment", {"承诺履行状态": "部分履行"}, "未履行的承诺内容", "unkept_without_content"),
    (
        "commitment",
        {"承诺履行状态": "全部未履行"},
        "违诺责任追究内容",
        "unkept_without_consequence",
    ),
    ("commitment", {"认定日期": "2025/12/31"}, "认定日期", "found_before_made"),
    ("commitment", {"承诺人类别": "法人及非法人组织"}, "承诺人类别", "value_not_listed"),
    ("commitment", {"承诺编码": "99000020260101"}, "承诺编码", "form"),
    ("contract_performance", _late(YQ_TS=""), "YQ_TS", "late_without_days"),
    ("contract_performance", _late(YQ_TS="0"), "YQ_TS", "late_without_days"),
    ("contract_performance", _late(YQ_TS="-3"), "YQ_TS", "out_of_range"),
    ("contract_performance", _late(YQ_TS="+5"), "YQ_TS", "not_an_integer"),
    ("contract_performance", _late(YQ_TS=" 5"), "YQ_TS", "not_an_integer"),
    ("contract_performance", _late(YQ_TS="5.0"), "YQ_TS", "not_an_integer"),
    ("contract_performance", _late(YQ_TS="NaN"), "YQ_TS", "not_an_integer"),
    ("contract_performance", _late(YQ_TS="５"), "YQ_TS", "not_an_integer"),
    ("contract_performance", _late(YQ_TS="99999999999999999999"), "YQ_TS", "not_an_integer"),
    ("contract_performance", _late(YQ_TS="3651"), "YQ_TS", "out_of_range"),
    ("contract_performance", _late(SJ_RQ="2026/03/15"), "SJ_RQ", "late_but_performed_in_time"),
    ("contract_performance", {"SJ_RQ": "2026/03/16"}, "SJ_RQ", "on_time_but_performed_late"),
    ("contract_performance", {"YQ_TS": "1"}, "YQ_TS", "on_time_with_days"),
    ("contract_performance", {"HT_LX": "物业费"}, "HT_LX", "not_in_catalogue"),
    ("contract_performance", {"HT_QX": "2026-13"}, "HT_QX", "form"),
    ("contract_performance", {"JR_BH": ""}, "JR_BH", "required"),
    ("contract_performance", {"YQ_RQ": "2020/01/15"}, "YQ_RQ", "past_retention"),
    ("court_obligation", {"LX_ZT": "已履行", "LX_RQ": ""}, "LX_RQ", "fulfilled_without_day"),
    (
        "court_obligation",
        {"LX_ZT": "未履行", "LX_RQ": "2026/08/01"},
        "LX_RQ",
        "unfulfilled_with_day",
    ),
    (
        "court_obligation",
        {"LX_ZT": "已履行", "LX_RQ": "2026/01/31"},
        "LX_RQ",
        "fulfilled_before_confirmed",
    ),
    ("penalty", {"CF_XDR_LB": "个体工商户"}, "CF_XDR_LB", "value_not_listed"),
    ("penalty", {"CF_XDR_ZJLX": "护照号"}, "CF_XDR_ZJLX", "value_not_listed"),
    ("penalty", {"CF_WFXW": "闯红灯"}, "CF_WFXW", "not_in_catalogue"),
    ("penalty", {"CF_CFLB": "罚款;示众"}, "CF_CFLB", "value_not_listed"),
    ("penalty", {"CF_CFLB": "罚款"}, "CF_NR_FK", "fine_without_amount"),
    ("penalty", {"CF_CFLB": "没收违法所得"}, "CF_NR_WFFF", "confiscation_without_amount"),
    ("penalty", {"CF_CFLB": "警告;吊销许可证件"}, "CF_NR_ZKDX", "licence_without_name"),
    ("penalty", {"CF_NR_FK": "2,000"}, "CF_NR_FK", "not_a_decimal"),
    ("penalty", {"CF_NR_FK": "0.1234567"}, "CF_NR_FK", "not_a_decimal"),
    ("penalty", {"CF_NR_FK": "1e3"}, "CF_NR_FK", "not_a_decimal"),
    ("penalty", {"CF_NR_FK": "-1"}, "CF_NR_FK", "out_of_range"),
    ("penalty", {"CF_YXQ": "2025/01/01"}, "CF_YXQ", "ends_before_decided"),
    ("honour", {"RY_MC": "无偿献血奉献奖"}, "RY_MC", "forbidden_input"),
    ("honour", {"RY_MC": "优秀志愿者"}, "RY_MC", "forbidden_input"),
    ("honour", {"RY_JB": "县级"}, "RY_JB", "value_not_listed"),
]


@pytest.mark.parametrize("kind", PERSON_KINDS)
def test_cells_that_do_not_go_together_reject_their_row(
    kind: str, tmp_path: Path, lake: Path, ingest: Ingest
) -> None:
    cases = [case[1:] for case in REJECTED_ROWS if case[0] == kind]
    rows = good_rows(kind, 16 * len(cases))
    # Multiples of 12 are kept, on time, unfulfilled, warned: each case says what differs.
    for number, (cells, _, _) in enumerate(cases):
        rows[12 * number] |= cells
    report = ingest(deliver(tmp_path / "in", kind, as_csv(kind, rows)))
    assert report.rejects_path is not None
    with (lake / report.rejects_path).open(encoding="utf-8", newline="") as rejects:
        found = {(int(row["line"]), row["column"], row["rule"]) for row in csv.DictReader(rejects)}
    for number, (cells, column, rule) in enumerate(cases):
        assert (12 * number + 2, column, rule) in found, (cells, found)
    assert report.rejected == len(cases)


@pytest.mark.parametrize("kind", PERSON_KINDS)
def test_a_document_that_stands_twice_has_no_winner(
    kind: str, tmp_path: Path, lake: Path, ingest: Ingest
) -> None:
    rows = good_rows(kind)
    same, other, spoilt = dict(rows[1]), dict(rows[2]), dict(rows[4])
    other[ID_COLUMN[kind]] = person(99)
    spoilt[ID_COLUMN[kind]] = "1"
    report = ingest(deliver(tmp_path / "in", kind, as_csv(kind, [*rows, same, other, spoilt])))
    assert report.rejected == 6
    taken = set(lake_facts(lake)["line"])
    assert taken.isdisjoint({3, 4, 6, ROWS + 2, ROWS + 3, ROWS + 4})


def test_a_line_break_inside_a_cell_refuses_the_file(tmp_path: Path, ingest: Ingest) -> None:
    rows = good_rows("honour")
    rows[2]["BZ"] = "一\n二"
    file = deliver(tmp_path / "in", "honour", as_csv("honour", rows), rows=ROWS)
    with pytest.raises(InputRefused, match="line break"):
        ingest(file)


def test_a_cell_of_ten_megabytes_rejects_its_row(tmp_path: Path, ingest: Ingest) -> None:
    rows = good_rows("honour")
    rows[2]["BZ"] = "x" * 10_000_000
    report = ingest(deliver(tmp_path / "in", "honour", as_csv("honour", rows)))
    assert (report.rejected, report.rejects_by_rule) == (1, {"too_long": 1})


def test_a_line_without_end_refuses_the_file(
    tmp_path: Path, lake: Path, catalogue: Catalogue
) -> None:
    limits = msgspec.structs.replace(standard_limits(), batch_bytes=1000, max_line_bytes=5000)
    for content in (good_file("honour") + b"x" * 9000, good_file("honour") + b"x" * 5500 + b"\n"):
        file = deliver(tmp_path / "in", "honour", content)
        with pytest.raises(InputRefused, match="line_too_long"):
            ingest_file(file, lake=lake, catalogue=catalogue, lake_key=LAKE_KEY, limits=limits)


def test_few_bad_rows_never_refuse_a_file_but_a_file_of_bad_rows_is_refused(
    tmp_path: Path, lake: Path, ingest: Ingest
) -> None:
    rows = good_rows("honour", 16)
    for row in rows[:10]:
        row["RY_JB"] = "?"
    assert ingest(deliver(tmp_path / "a", "honour", as_csv("honour", rows))).rejected == 10
    rows[10]["RY_JB"] = "?"
    before = lake_digest(lake)
    with pytest.raises(InputRefused, match="too_many_bad_rows") as refused:
        ingest(deliver(tmp_path / "b", "honour", as_csv("honour", rows)))
    assert "value_not_listed 11" in refused.value.what
    assert ":2:RY_JB value_not_listed" in refused.value.where
    assert lake_digest(lake) == before


def test_after_every_refusal_the_good_file_gives_the_same_lake(
    tmp_path: Path, lake: Path, ingest: Ingest, catalogue: Catalogue
) -> None:
    good = deliver(tmp_path / "good", "penalty", good_file("penalty"))
    for change, _, _ in REFUSED_FILES.values():
        broken = deliver(tmp_path / "broken", "penalty", change(good_file("penalty")))
        with pytest.raises(InputRefused):
            ingest(broken)
    ingest(good)
    fresh = tmp_path / "fresh lake"
    ingest_file(good, lake=fresh, catalogue=catalogue, lake_key=LAKE_KEY)
    assert lake_digest(lake) == lake_digest(fresh)
    assert (lake / MANIFEST_NAME).exists()


@pytest.mark.parametrize("kind", PERSON_KINDS)
def test_no_refusal_repeats_an_id_number(kind: str, tmp_path: Path, ingest: Ingest) -> None:
    for name, (change, _, _) in REFUSED_FILES.items():
        file = deliver(tmp_path / "in", kind, change(good_file(kind)))
        with pytest.raises(InputRefused) as refused:
            ingest(file)
        assert not re.search(r"[0-9]{15}", str(refused.value).replace("0" * 17, "")), name


def test_a_note_of_a_day_that_has_not_come_is_refused(
    tmp_path: Path, lake: Path, catalogue: Catalogue
) -> None:
    """The version sent last is the truth: no later file could put such a one right."""
    file = deliver(tmp_path / "in", "honour", good_file("honour"))
    sent_on = read_note(file).sent_on
    with pytest.raises(InputRefused, match="sent_in_the_future"):
        ingest_file(
            file,
            lake=lake,
            catalogue=catalogue,
            lake_key=LAKE_KEY,
            received_on=sent_on - dt.timedelta(days=1),
        )
    assert lake_digest(lake) == {}
    taken = ingest_file(
        file, lake=lake, catalogue=catalogue, lake_key=LAKE_KEY, received_on=sent_on
    )
    assert taken.status == "accepted"
