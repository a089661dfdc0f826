"""Pages of a list: `limit` and `cursor` of a query, held to one shape everywhere."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from api.problems import Problem

DEFAULT_LIMIT = 50
MOST_ITEMS = 100
PAGE_QUERY = ("limit", "cursor")


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


Item = TypeVar("Item", bound=_HasId)


def limit_in(query: Mapping[str, str]) -> int:
    """1 to MOST_ITEMS. Raises Problem invalid_parameter."""
    text = query.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MOST_ITEMS):
        raise Problem("invalid_parameter")
    return int(text)


def sequence_cursor_in(query: Mapping[str, str]) -> int | None:
    """A cursor made of a ledger sequence number. Raises Problem invalid_parameter."""
    text = query.get("cursor")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Problem("invalid_parameter")
    return int(text)


def page_in(items: Sequence[Item], query: Mapping[str, str]) -> tuple[list[Item], str | None]:
    """The asked page, and the cursor of the next: the last item's id. Raises Problem
    invalid_parameter."""
    cursor, start = query.get("cursor"), 0
    if cursor is not None:
        ids = [item.id for item in items]
        if cursor not in ids:
            raise Problem("invalid_parameter")
        start = ids.index(cursor) + 1
    page = list(items[start : start + limit_in(query)])
    has_more = start + len(page) < len(items)
    return page, page[-1].id if page and has_more else None
