"""Of two demos in one folder the second says so and touches nothing."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.commands import app
from api.commands.demo.alone import LOCK_NAME, alone_in
from scoring.errors import StoreUnavailable


def test_a_second_demo_in_a_folder_is_refused_before_it_writes_anything(tmp_path: Path) -> None:
    with alone_in(tmp_path):
        done = CliRunner().invoke(app, ["demo", "--people", "400", "--data", str(tmp_path)])
    assert isinstance(done.exception, StoreUnavailable)
    assert (done.exception.code, done.exception.exit_code) == ("demo_already_running", 7)
    assert [each.name for each in tmp_path.iterdir()] == [LOCK_NAME]


def test_a_demo_that_has_ended_leaves_its_folder_to_the_next(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), alone_in(tmp_path):
        raise RuntimeError
    with alone_in(tmp_path):
        pass
