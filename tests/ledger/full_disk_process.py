"""A process that runs its ledger on a disk that another file fills and frees again.
`full_disk_process.py DISK`; prints one JSON object of what it saw."""

import asyncio
import errno
import json
import sys
from pathlib import Path

from api.ledger.sqlite import open_ledger
from tests.ledger.starved_process import fill
from tests.support.patience import PATIENT_LEDGER


def fill_up(path: Path) -> None:
    """Take every byte that is left."""
    with path.open("wb", buffering=0) as file:
        for size in (65_536, 4_096, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


async def run_out_of_disk(disk: Path) -> dict[str, object]:
    ledger = await open_ledger(disk / "ledger.sqlite", PATIENT_LEDGER)
    kept, reasons = await fill(ledger, range(20))
    assert not reasons
    ballast = disk / "ballast"
    fill_up(ballast)
    refused: list[str] = []
    for first in range(100, 400, 30):
        more, reasons = await fill(ledger, range(first, first + 30))
        kept |= more
        refused += reasons
    reads_while_full = await ledger.position()
    ballast.unlink()
    more, refused_after = await fill(ledger, range(1_000, 1_050))
    kept |= more
    await ledger.close()
    return {
        "kept": kept,
        "refused": refused,
        "refused_after": refused_after,
        "reads_while_full": reads_while_full,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(run_out_of_disk(Path(sys.argv[1])))))
