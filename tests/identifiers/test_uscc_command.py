"""`chengxin uscc CODE` as a clerk meets it."""

import pytest

from api.commands.uscc import NEXT_STEP, uscc
from scoring.errors import InputRefused
from scoring.identifiers.uscc import PROBLEMS


def test_a_right_code_prints_ok(capsys: pytest.CaptureFixture[str]) -> None:
    uscc("91320100748204660Q")
    assert capsys.readouterr().out == "ok\n"


def test_a_wrong_code_says_what_is_wrong_and_ends_with_the_exit_code_for_refused_input() -> None:
    with pytest.raises(InputRefused, match="does not match the 17 before it") as refused:
        uscc("913201007482046600")
    assert refused.value.code == "uscc_check_digit"
    assert refused.value.exit_code == 4


def test_every_problem_has_a_next_step() -> None:
    assert set(NEXT_STEP) == set(PROBLEMS)
