"""What a check is given, and what it says. Nothing a check says holds a secret, a person or an
address with a password: places are paths and names of variables."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

Level = Literal["fault", "warning"]
# Words of a command that tells of this machine -> what it printed; None where it cannot be asked.
Ask = Callable[[Sequence[str]], str | None]


class Disk(msgspec.Struct, frozen=True):
    total_bytes: int
    free_bytes: int


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """`now`: UTC. `is_quick`: leave out what reads ledger and snapshot whole. `disk` raises OSError."""

    data: Path
    store_url: str
    ledger: str
    environment: Mapping[str, str]
    now: dt.datetime
    certificate: Path
    disk: Callable[[Path], Disk]
    ask: Ask
    is_quick: bool = False

    @property
    def now_ms(self) -> int:
        return int(self.now.timestamp() * 1_000)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`level` fault: something is broken or a promise is not kept now; warning: it soon will be."""

    code: str
    level: Level
    what: str
    where: str
    do: str


Check = Callable[[Installation], Iterator[Finding]]


def fault(code: str, what: str, *, where: object = "", do: str) -> Finding:
    return Finding(code=code, level="fault", what=what, where=str(where), do=do)


def warning(code: str, what: str, *, where: object = "", do: str) -> Finding:
    return Finding(code=code, level="warning", what=what, where=str(where), do=do)
