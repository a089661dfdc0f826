"""Shapes of load: how many users when. Sources: the site's page on load, from reports of 2021-22.

A monthly score notice to 1.5 million enrolled people, of whom a fifth open it within five minutes,
is 1,000 requests/s; a city's code service once met ten times its former peak.
"""

import msgspec


class Stage(msgspec.Struct, frozen=True):
    """Until `until_seconds` after the start, `users` users, changing by `per_second`."""

    until_seconds: int
    users: int
    per_second: float


WEEKDAY = (Stage(20, 20, 5), Stage(60, 60, 10), Stage(90, 20, 20))
NOTICE_DAY = (Stage(10, 20, 10), Stage(70, 200, 60), Stage(120, 40, 60))
SPIKE_TENFOLD = (Stage(20, 20, 20), Stage(80, 200, 200), Stage(140, 20, 200))

SHAPES = {"weekday": WEEKDAY, "notice-day": NOTICE_DAY, "spike10x": SPIKE_TENFOLD}


def stage_at(stages: tuple[Stage, ...], elapsed_seconds: float) -> Stage | None:
    return next((stage for stage in stages if elapsed_seconds < stage.until_seconds), None)
