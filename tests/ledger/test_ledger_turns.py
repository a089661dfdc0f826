"""Who has just written lets a waiting process write first."""

from pathlib import Path

from api.ledger.turn import Turn


def test_a_waiting_process_is_noticed_until_it_has_had_its_turn(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    one, other, third = (Turn(ledger) for _ in range(3))
    assert not one.is_awaited()
    other.wait()
    third.wait()
    other.wait()
    assert one.is_awaited()
    other.end_waiting()
    assert one.is_awaited()
    third.end_waiting()
    third.end_waiting()
    assert not one.is_awaited()
    other.wait()
    other.close()  # or its process was killed
    assert not one.is_awaited()
    one.close()
    third.close()


def test_a_process_does_not_wait_for_itself(tmp_path: Path) -> None:
    turn = Turn(tmp_path / "ledger.sqlite")
    turn.wait()
    assert not turn.is_awaited()
    turn.close()
