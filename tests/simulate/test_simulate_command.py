"""`chengxin simulate`: invented records in, score and explanation out."""

import json
import sys
from pathlib import Path

import pytest

from api.commands import main


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["chengxin", "simulate", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def write(folder: Path, text: str, name: str = "facts.toml") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_example_it_prints_is_a_file_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--example") == 0
    example = write(tmp_path, capsys.readouterr().out)
    assert run(monkeypatch, example, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    # 600 + 2 x 12 for commitments kept, - 8 for 30 days overdue
    assert found["score"] == 616
    assert found["base"] + sum(item["points"] for item in found["items"]) == 616


def test_a_json_file_says_the_same_as_a_toml_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = {"kind": "honour", "outcome": "awarded", "measure": 3, "happened_on": "2026-01-01"}
    as_json = json.dumps({"as_of": "2026-06-30", "record": [record]})
    as_toml = "as_of = 2026-06-30\n[[record]]\nkind = 'honour'\noutcome = 'awarded'\nmeasure = 3\n"
    as_toml += "happened_on = 2026-01-01\n"
    shown = []
    for path in (write(tmp_path, as_json, "a.json"), write(tmp_path, as_toml)):
        assert run(monkeypatch, path) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
    assert "= 640 (band_3)" in shown[0]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "facts_unreadable"),
        ("as_of = 'soon'", "facts_unreadable"),
        ("as_of = 2026-06-30\nname = 'x'", "facts_unreadable"),
        ("as_of = 2026-06-30\n[[record]]\nkind = 'dogs'", "facts_unreadable"),
        (
            "as_of = 2026-06-30\n[[record]]\nkind='dogs'\noutcome='off_leash'\nhappened_on=2026-01-01",
            "fact_unknown",
        ),
        (
            "as_of = 2026-06-30\n[[record]]\nkind='honour'\noutcome='awarded'\nhappened_on=2026-01-01",
            "measure_missing",
        ),
        (
            "as_of = 2026-06-30\n[[record]]\nkind='honour'\noutcome='awarded'\nmeasure=4\nhappened_on=2026-01-01",
            "measure_missing",
        ),
        (
            "as_of = 2026-06-30\n[[record]]\nkind='commitment'\noutcome='kept'\nmeasure=4\nhappened_on=2026-01-01",
            "measure_missing",
        ),
        (
            "as_of = 2026-06-30\n"
            + "[[record]]\nkind='commitment'\noutcome='kept'\ncount=9999\nhappened_on=2026-01-01\n"
            * 2,
            "facts_too_many",
        ),
        ("as_of = 1999-06-30\n", "rule_gap"),
    ],
)
def test_a_file_that_is_no_record_of_anything_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    code: str,
) -> None:
    assert run(monkeypatch, write(tmp_path, text)) == 4
    assert code in capsys.readouterr().err
