"""The monthly report as CSV and JSON; the same ledger gives the same bytes."""

import csv
import io

import msgspec

from api.reports.suppression import K, Shown

HIDDEN = ""  # in CSV; null in JSON


class UsageRow(msgspec.Struct, frozen=True, kw_only=True):
    """`uses` is None where it is hidden."""

    partner: str
    policy: str
    channel: str
    uses: int | None


class PartnerTotal(msgspec.Struct, frozen=True, kw_only=True):
    partner: str
    uses: int | None


class UsageReport(msgspec.Struct, frozen=True, kw_only=True):
    """`suppressed_below`: fewer different citizens than this are never shown, and as much more is
    hidden as keeps the totals from telling them."""

    month: str
    suppressed_below: int
    rows: list[UsageRow]
    totals: list[PartnerTotal]
    total: int | None


def report_of(month: str, shown: Shown) -> UsageReport:
    return UsageReport(
        month=month,
        suppressed_below=K,
        rows=[
            UsageRow(partner=partner, policy=policy, channel=channel, uses=uses)
            for (partner, policy, channel), uses in sorted(shown.cells.items())
        ],
        totals=[PartnerTotal(partner=p, uses=u) for p, u in sorted(shown.totals.items())],
        total=shown.total,
    )


def json_of(report: UsageReport) -> bytes:
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def csv_of(report: UsageReport) -> bytes:
    """Columns month, partner, policy, channel, uses; a total has `*` where it sums over all."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["month", "partner", "policy", "channel", "uses"])
    lines = [(row.partner, row.policy, row.channel, row.uses) for row in report.rows]
    lines += [(total.partner, "*", "*", total.uses) for total in report.totals]
    lines.append(("*", "*", "*", report.total))
    for *names, uses in lines:
        writer.writerow([report.month, *names, HIDDEN if uses is None else uses])
    return out.getvalue().encode()
