"""Benefits register from its TOML file."""

from pathlib import Path
from typing import Final

import msgspec

from scoring.benefits.model import BenefitsRegister
from scoring.errors import InputRefused

BENEFITS_PATH: Final = Path(__file__).with_name("benefits.toml")


def load_benefits(path: Path = BENEFITS_PATH) -> BenefitsRegister:
    """Raises InputRefused `benefits_unreadable`; promises between entries are `lint`'s."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=BenefitsRegister)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputRefused(
            "benefits_unreadable", str(error), where=str(path), do="run `chengxin lint`"
        ) from error
