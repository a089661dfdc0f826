"""Why a ledger could not be read, in words for whoever typed the command."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.ledger.protocol import LedgerError
    from scoring.errors import StoreUnavailable

DO = "see that the ledger is there and readable; chengxin ledger make begins one"
WORDS = {
    "gone": "there is no ledger, or its server does not answer",
    "damaged": "the file is damaged, or is no ledger",
    "io": "it is no ledger, or its disk cannot be read",
    "locked": "another process holds the ledger locked",
    "full": "the disk is full",
    "read_only": "the ledger may not be written here",
}


def ledger_unavailable(error: "LedgerError", *, where: str = "") -> "StoreUnavailable":
    """`where`: never an address, which may hold a password."""
    from scoring.errors import StoreUnavailable

    reason = str(error)
    what = f"{reason}: {WORDS[reason]}" if reason in WORDS else reason
    return StoreUnavailable("ledger_unavailable", what, where=where, do=DO)
