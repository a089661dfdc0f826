"""A snapshot of a few citizens, written in the contract's own record layout."""

import datetime as dt
from collections.abc import Sequence
from typing import Literal

import msgspec

from api.store.protocol import CountedRead, Stored, StoredLife, StoreDown, Version
from scoring.contract.documents import (
    Band,
    Benefit,
    BenefitsDocument,
    CatalogueDocument,
    FactRow,
    HistoryDocument,
    PublishedRule,
    RuleRow,
    RulesDocument,
    SourceRow,
    TablesDocument,
)
from scoring.contract.pseudonyms import snapshot_subject_of
from scoring.contract.snapshot import CURRENT_KEY, HISTORY_DOCUMENT, MARKS_KEY, Manifest, tag_of

SNAPSHOT_KEY = bytes(range(32))
AS_OF = dt.date(2026, 11, 20)
BASE = 600
BANDS = [
    Band(code=f"band{n}", name=f"第{n}档", name_en=f"Band {n}", from_=low, to=high)
    for n, (low, high) in enumerate([(0, 399), (400, 549), (550, 649), (650, 749), (750, 1000)])
]
LATE, KEPT, HONOUR = 0, 1, 2  # indices into the tables' rules
COUNTED, CAPPED, NO_RULE = 0, 1, 5  # status numbers of the contract


def subject(name: str) -> str:
    return f"{name:-<22}"


def item(record: str, rule: int, points: int, status: int = COUNTED, day: int = 20_400) -> str:
    expires = "" if rule < 0 else str(day + 730)
    fact = max(rule, 0)
    return f"{record},{fact},{rule},{points},{status},{day},{expires},0,{3 if rule == LATE else 0}"


class City:
    """`hot` and `explanations` by snapshot subject."""

    def __init__(self, snapshot: str = "20261120-0001") -> None:
        self.snapshot = snapshot
        self.hot: dict[str, bytes] = {}
        self.explanations: dict[str, bytes] = {}
        self.histories: dict[str, bytes] = {}
        self.overlaid: dict[str, int] = {}
        self.history: HistoryDocument | None = None

    def add(self, name: str, items: Sequence[str]) -> None:
        score = BASE + sum(int(text.split(",")[3]) for text in items)
        band = next(i for i, b in enumerate(BANDS) if b.from_ <= score <= b.to)
        self.put(name, f"{score},{band}", "|".join(items))

    def put(self, name: str, hot: str, explanation: str) -> None:
        named = snapshot_subject_of(SNAPSHOT_KEY, subject(name))
        self.hot[named] = (tag_of(named) + hot).encode()
        self.explanations[named] = (tag_of(named) + explanation).encode()

    def version(self) -> Version:
        manifest = Manifest(
            snapshot=self.snapshot,
            as_of=AS_OF,
            rules_version="2026-01-01",
            ledger_position=0,
            bucket_count=1,
            citizens=len(self.hot),
            items=len(self.explanations),
            score_histogram={},
            score_sum_points=0,
            sources=[],
            parts=[],
        )
        found = documents()
        if self.history is not None:
            found[HISTORY_DOCUMENT] = msgspec.json.encode(self.history)
        return Version(manifest=manifest, documents=found)


def make_city(snapshot: str = "20261120-0001") -> City:
    city = City(snapshot)
    city.add(
        "rich", [item("kept1", KEPT, 12), item("kept2", KEPT, 0, CAPPED), item("award", HONOUR, 40)]
    )
    city.add(
        "late", [item("late1", LATE, -20), item("late2", LATE, -8), item("month", -1, 0, NO_RULE)]
    )
    city.add("plain", [])
    city.put("outside", "700,1", "")  # a band that does not hold the score
    city.put("nonsense", "many", "")
    city.put("unsound", "620,2", item("kept1", KEPT, 12))  # 600 + 12 is not 620
    city.put("lost", "612,2", "kept1,99,1,12,0,20400,,0,0")  # no such fact
    return city


def documents() -> dict[str, bytes]:
    parts = {
        "rules": RulesDocument(
            version="2026-01-01",
            effective_on=dt.date(2026, 1, 1),
            base=BASE,
            minimum=0,
            maximum=1000,
            bands=BANDS,
            rules=[_rule("commitment_kept", 12)],
        ),
        "benefits": BenefitsDocument(items=[_benefit("bus", "信易行"), _benefit("book", "信易阅")]),
        "catalogue": CatalogueDocument(version="2026-01-01", items=[]),
        "tables": _tables(),
    }
    return {name: msgspec.json.encode(part) for name, part in parts.items()}


def _rule(name: str, points: int) -> PublishedRule:
    return PublishedRule(
        id=name,
        version="1",
        name="履行承诺",
        name_en="Commitment kept",
        kind="commitment",
        outcome="kept",
        measure=None,
        unit="points",
        points=points,
        cap=60,
        validity_days=730,
        legal_basis="示范条款",
        reason="说明",
        effective_on=dt.date(2026, 1, 1),
        review_on=dt.date(2027, 1, 1),
        author="甲",
        second_checker="乙",
    )


def _benefit(name: str, scene: str) -> Benefit:
    return Benefit(
        id=name,
        scene=scene,
        partner=f"{name}_partner",
        partner_name="伙伴",
        purpose="优惠",
        benefit_type="fee_cut",
        service_class="convenience",
        threshold=650,
        what="九折",
        valid_from=dt.date(2026, 1, 1),
        valid_until=dt.date(2999, 12, 31),
        answer_valid_days=1,
        legal_basis="合作协议",
        status="live",
    )


def _tables() -> TablesDocument:
    words = [
        ("contract", "late", "逾期"),
        ("commitment", "kept", "履行承诺"),
        ("honour", "city", "荣誉"),
    ]
    return TablesDocument(
        as_of=AS_OF,
        base=BASE,
        facts=[
            FactRow(
                kind=k,
                outcome=o,
                name=n,
                name_en=o,
                what_to_do="可以提出异议",
                what_to_do_en="Dispute it",
            )
            for k, o, n in words
        ],
        rules=[
            RuleRow(rule_id=i, rule_version="1", name=n, name_en=i, legal_basis="示范条款")
            for i, n in [
                ("contract_late", "逾期履约"),
                ("commitment_kept", "履行承诺"),
                ("honour", "荣誉"),
            ]
        ],
        sources=[SourceRow(department_code="library", name="市图书馆")],
    )


def _leading(value: bytes) -> int:
    return int(value.partition(b",")[0])


class MemoryReader:
    """SnapshotReader over a City; `is_down` plays an unreachable store."""

    def __init__(self, city: City) -> None:
        self.is_down = False
        self.marks: dict[str, bytes] = {}
        self.strings: dict[str, bytes] = {MARKS_KEY: b"0"}
        self.sets: dict[str, set[bytes]] = {}
        self.serve(city)

    def assume(self, version: Version) -> None:
        """The city is there from the beginning."""

    def serve(self, city: City) -> None:
        self._city, self._version = city, city.version()

    def version(self) -> Version:
        if self.is_down:
            raise StoreDown("down")
        return self._version

    async def hot(self, version: Version, snapshot_subject: str) -> Stored:
        self.version()
        return Stored(self._city.hot.get(snapshot_subject), self.marks.get(snapshot_subject))

    async def explanation(self, version: Version, snapshot_subject: str) -> Stored:
        self.version()
        value = self._city.explanations.get(snapshot_subject)
        return Stored(value, self.marks.get(snapshot_subject))

    async def life(
        self, version: Version, snapshot_subject: str, what: Literal["explanation", "history"]
    ) -> StoredLife:
        city = self._city
        values = city.explanations if what == "explanation" else city.histories
        return StoredLife(
            hot=await self.hot(version, snapshot_subject),
            beside=values.get(snapshot_subject),
            overlaid_position=city.overlaid.get(snapshot_subject),
        )

    async def mark(self, snapshot_subject: str, mark: bytes) -> None:
        self.version()
        self.marks[snapshot_subject] = mark

    async def get(self, key: str) -> bytes | None:
        served = self.version().manifest.snapshot
        return served.encode() if key == CURRENT_KEY else self.strings.get(key)

    peek = get

    async def keep_newer(self, key: str, value: bytes, *, expires_at: int | None = None) -> None:
        self.version()
        old = self.strings.get(key)
        if old is None or _leading(old) < _leading(value):
            self.strings[key] = value

    async def counted(
        self,
        version: Version,
        snapshot_subject: str,
        *,
        beside: str,
        counter: str,
        expires_at: int,
    ) -> CountedRead:
        string = await self.get(beside)
        uses = await self.count(counter, 1, expires_at=expires_at)
        return CountedRead(string, uses, await self.hot(version, snapshot_subject))

    async def count(self, key: str, amount: int, *, expires_at: int) -> int:
        self.version()
        total = int(self.strings.get(key, b"0")) + amount
        self.strings[key] = b"%d" % total
        return total

    @property
    def began_at(self) -> int | None:
        return 0

    async def add(self, key: str, member: str) -> None:
        self.version()
        self.sets.setdefault(key, set()).add(member.encode())

    async def members(self, key: str) -> list[bytes]:
        self.version()
        return sorted(self.sets.get(key, set()))

    async def raise_to(self, key: str, least: int, *, expires_at: int) -> None:
        await self.count(key, 0, expires_at=expires_at)
        self.strings[key] = b"%d" % max(least, int(self.strings[key]))

    async def hold(self, key: str, *, milliseconds: int) -> bool:
        return await self.claim_once(key, at=0, issued_at=0, expires_at=0)

    async def let_go(self, key: str) -> None:
        self.version()
        self.strings.pop(key, None)

    async def claim_once(self, key: str, *, at: int, issued_at: int, expires_at: int) -> bool:
        self.version()
        is_first = key not in self.strings
        self.strings.setdefault(key, b"")
        return is_first

    async def advance(self, key: str, start: int, end: int) -> int:
        self.version()
        old = int(self.strings.get(key, b"0"))
        if old >= start:
            self.strings[key] = b"%d" % max(old, end)
        return max(old, end) if old >= start else old

    async def open(self) -> None:
        """Nothing to connect."""

    async def close(self) -> None:
        """Nothing to disconnect."""
