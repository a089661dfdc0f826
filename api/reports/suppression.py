"""What of a table with totals may be shown, so that nobody can solve for what may not.

A count is sensitive where fewer than k different citizens stand behind it. Whoever has the report
has its equations: a partner's total is the sum of its cells, the grand total that of all. So the
hidden cells under one shown total must be two or more, hold at least 2k uses, and come from at
least k citizens together; else one more cell is hidden, and where there is none left, the total.
"""

from collections.abc import Iterable, Mapping

import msgspec

from api.reports.usage import Cell, Use

K = 10


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """None: hidden."""

    cells: dict[Cell, int | None]
    totals: dict[str, int | None]  # by partner
    total: int | None


def shown_of(uses: Mapping[Cell, Use], k: int = K) -> Shown:
    return _Suppression(uses, k).run()


class _Suppression:
    def __init__(self, uses: Mapping[Cell, Use], k: int) -> None:
        self._uses = uses
        self._k = k
        self._partners = sorted({cell[0] for cell in uses})
        self._hidden = {cell for cell in uses if self._is_sensitive([cell])}
        self._hidden_totals = {p for p in self._partners if self._is_sensitive(self._cells_of(p))}

    def run(self) -> Shown:
        for partner in self._partners:
            self._protect_under(partner)
        total = self._protect_grand_total()
        return Shown(
            cells={c: None if c in self._hidden else use.count for c, use in self._uses.items()},
            totals={
                p: None if p in self._hidden_totals else self._sum(self._cells_of(p))
                for p in self._partners
            },
            total=total,
        )

    def _protect_under(self, partner: str) -> None:
        cells = self._cells_of(partner)
        while partner not in self._hidden_totals and not self._is_safe(
            [cell for cell in cells if cell in self._hidden]
        ):
            more = self._smallest_shown(cells)
            if more is None:
                self._hidden_totals.add(partner)
            else:
                self._hidden.add(more)

    def _protect_grand_total(self) -> int | None:
        """The grand total less the shown partners' totals is the sum of what those without a shown
        total hide."""
        if self._is_sensitive(self._uses):
            return None
        while not self._is_safe([c for c in self._hidden if c[0] in self._hidden_totals]):
            more = self._smallest_shown(
                cell for cell in self._uses if cell[0] not in self._hidden_totals
            )
            if more is None:
                return None
            self._hidden.add(more)
            self._hidden_totals.add(more[0])
        return self._sum(self._uses)

    def _cells_of(self, partner: str) -> list[Cell]:
        return [cell for cell in self._uses if cell[0] == partner]

    def _smallest_shown(self, cells: Iterable[Cell]) -> Cell | None:
        """Nought hides nothing."""
        candidates = [c for c in cells if c not in self._hidden and self._uses[c].count]
        return min(candidates, key=lambda cell: (self._uses[cell].count, cell), default=None)

    def _is_sensitive(self, cells: Iterable[Cell]) -> bool:
        return 0 < len(self._citizens(cells)) < self._k

    def _is_safe(self, hidden: list[Cell]) -> bool:
        if not hidden:
            return True
        return (
            len(hidden) >= 2
            and self._sum(hidden) >= 2 * self._k
            and len(self._citizens(hidden)) >= self._k
        )

    def _citizens(self, cells: Iterable[Cell]) -> set[str]:
        return set[str]().union(*(self._uses[cell].citizens for cell in cells))

    def _sum(self, cells: Iterable[Cell]) -> int:
        return sum(self._uses[cell].count for cell in cells)
