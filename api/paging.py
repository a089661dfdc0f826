"""Pages of a list: `limit` and `cursor` of a query, held to one shape everywhere."""

from collections.abc import Mapping

from api.problems import Problem

DEFAULT_LIMIT = 50
MOST_ITEMS = 100
PAGE_QUERY = ("limit", "cursor")


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
