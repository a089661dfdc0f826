"""A process whose ledger may not grow: the file size limit stands in for a full disk, and is lifted
again. `starved_process.py LEDGER`; prints one JSON object of what it saw."""

import asyncio
import json
import resource
import signal
import sys
from pathlib import Path

from api.ledger.protocol import Appended, LedgerUnavailable
from api.ledger.sqlite import SqliteLedger, open_ledger
from tests.ledger.drafts import enrolled
from tests.support.patience import PATIENT_LEDGER


async def fill(ledger: SqliteLedger, numbers: range) -> tuple[dict[int, int], list[str]]:
    """Acknowledged numbers with their sequence numbers, and the reasons of refusals."""
    answers = await asyncio.gather(
        *(ledger.append(enrolled(n)) for n in numbers), return_exceptions=True
    )
    kept = {
        n: a.event.seq for n, a in zip(numbers, answers, strict=True) if isinstance(a, Appended)
    }
    return kept, [a.reason for a in answers if isinstance(a, LedgerUnavailable)]


async def starve(path: Path) -> dict[str, object]:
    ledger = await open_ledger(path, PATIENT_LEDGER)
    kept, reasons = await fill(ledger, range(20))
    assert not reasons
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, hard))
    starved: list[str] = []
    for first in range(100, 400, 30):
        more, refused = await fill(ledger, range(first, first + 30))
        kept |= more
        starved += refused
    reads_while_full = await ledger.position()
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    more, refused_after = await fill(ledger, range(1_000, 1_050))
    kept |= more
    await ledger.close()
    return {
        "kept": kept,
        "refused": starved,
        "refused_after": refused_after,
        "reads_while_full": reads_while_full,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(starve(Path(sys.argv[1])))))
