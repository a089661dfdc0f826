"""Length of life and size of a voucher, as data."""

from pathlib import Path
from typing import Annotated

import msgspec

TERMS_FILE = Path(__file__).with_name("terms.toml")


class VoucherTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    lifetime_seconds: Annotated[int, msgspec.Meta(ge=30, le=600)]
    clock_difference_seconds: Annotated[int, msgspec.Meta(ge=0, le=60)]
    most_bytes: Annotated[int, msgspec.Meta(ge=200, le=300)]

    @property
    def replay_window_seconds(self) -> int:
        """From its issue to the last moment a gate would still take it."""
        return self.lifetime_seconds + self.clock_difference_seconds


def load_terms(path: Path = TERMS_FILE) -> VoucherTerms:
    """Raises msgspec.ValidationError."""
    return msgspec.toml.decode(path.read_bytes(), type=VoucherTerms)


TERMS = load_terms()
