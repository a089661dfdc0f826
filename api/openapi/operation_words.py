"""What a reader is told of one operation."""

from typing import Any

import msgspec


class OperationWords(msgspec.Struct, frozen=True, kw_only=True):
    """`answer`: an example of the 2xx body; None where there is none. `request`: of the body."""

    description: str
    answer: Any = None
    request: Any = None
    success: str = "成功"
