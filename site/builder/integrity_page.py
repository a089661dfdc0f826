"""记录的完整性: the log's signed heads of the last days, as files and as tables."""

import datetime as dt
import itertools
from dataclasses import dataclass
from html import escape
from pathlib import Path

from api.ledger.audit.folders import StoredHead
from api.ledger.audit.heads import HeadWrong, verifier_key
from api.ledger.audit.published import PublishedLog
from api.ledger.enrolment import CITY_CLOCK
from builder.markup import definitions, number, table
from scoring.errors import VerificationFailed

SHOWN_DAYS = 7
MOST_HEADS = SHOWN_DAYS * 24 * 2  # an operator may sign more often than each hour
FOLDER = "integrity"
KEY_FILE = "log.pub.pem"
ROOT_CHARS_SHOWN = 16


@dataclass(frozen=True)
class SignedHeads:
    """`heads`: newest first, of the days before the newest one's, each verified with the key."""

    heads: tuple[StoredHead, ...]
    key_text: str
    verifier_key: str

    @property
    def files(self) -> dict[str, bytes]:
        """Raw, by path in the site."""
        heads = {f"{FOLDER}/{head.name}": head.note.encode() for head in self.heads}
        return {**heads, f"{FOLDER}/{KEY_FILE}": self.key_text.encode()}


def signed_heads(data: Path) -> SignedHeads | None:
    """None before the first head. Raises VerificationFailed for a head that is not as signed: it is
    never published."""
    log = PublishedLog(data)
    try:
        heads = log.page(limit=MOST_HEADS)
    except (HeadWrong, OSError) as error:
        raise VerificationFailed(
            "head_wrong", str(error), where="heads", do="run chengxin audit verify"
        ) from error
    if not heads:
        return None
    since = heads[0].head.at - dt.timedelta(days=SHOWN_DAYS)
    shown = tuple(head for head in heads if head.head.at > since)
    return SignedHeads(shown, log.key_text() or "", verifier_key(log.origin, log.key()))


def newest(signed: SignedHeads) -> str:
    stored = signed.heads[0]
    return definitions(
        [
            ("签署时间", _time(stored)),
            ("到那时共有", f"{number(stored.head.size)} 条记录"),
            ("树根", f"<code>{stored.head.root.hex()}</code>"),
            ("签名的树头", _link(stored)),
            ("记录的公钥", f'<a href="{KEY_FILE}" download>{KEY_FILE}</a>'),
            ("见证者用的公钥", f"<code>{escape(signed.verifier_key)}</code>"),
        ]
    )


def days(signed: SignedHeads) -> str:
    """One table a day, newest first; all but the first folded."""
    parts = []
    by_day = itertools.groupby(signed.heads, key=lambda stored: _local(stored).date())
    for number_, (day, group) in enumerate(by_day):
        heads = list(group)
        opened = " open" if number_ == 0 else ""
        parts.append(
            f'<details class="fields"{opened}><summary>{day.isoformat()}（{len(heads)} 个树头）'
            f"</summary>{_table(day, heads)}</details>"
        )
    return "\n".join(parts)


def _table(day: dt.date, heads: list[StoredHead]) -> str:
    rows = [
        (
            _time(stored),
            number(stored.head.size),
            f"<code>{stored.head.root.hex()[:ROOT_CHARS_SHOWN]}…</code>",
            _link(stored),
        )
        for stored in heads
    ]
    columns = ("签署时间（北京时间）", "记录条数", "树根的开头", "签名的树头")
    return table(f"{day.isoformat()} 的树头", columns, rows, frozenset({1}))


def _local(stored: StoredHead) -> dt.datetime:
    return stored.head.at.astimezone(CITY_CLOCK)


def _time(stored: StoredHead) -> str:
    local = f"{_local(stored):%Y-%m-%d %H:%M:%S}"
    return f'<time datetime="{stored.head.at:%Y-%m-%dT%H:%M:%SZ}">{local}</time>'


def _link(stored: StoredHead) -> str:
    return f'<a href="{escape(stored.name)}" download>{escape(stored.name)}</a>'
