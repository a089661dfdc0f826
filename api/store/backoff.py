"""Waits between attempts to reach the store again."""

from collections.abc import Callable


class Backoff:
    """Full jitter (AWS): a random share of a limit that doubles, so that workers do not come back
    in step. `draw` gives 0…1."""

    def __init__(
        self, first_seconds: float, most_seconds: float, draw: Callable[[], float]
    ) -> None:
        self._first_seconds = first_seconds
        self._most_seconds = most_seconds
        self._draw = draw
        self._limit_seconds = first_seconds

    def next_seconds(self) -> float:
        limit = self._limit_seconds
        self._limit_seconds = min(2 * limit, self._most_seconds)
        return limit * self._draw()

    def reset(self) -> None:
        self._limit_seconds = self._first_seconds
