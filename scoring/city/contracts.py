"""合同履约 of contracts the citizen connected herself: nine of ten rows of the city.

Facts: id_number, contract (UInt64, unique), type (place in the wording), due_day, late_days,
is_nothing_due, drawn (UInt64). One row a contract and month; text that belongs to the contract is
made once and repeated.
"""

import polars as pl

from scoring.city import calendar
from scoring.city.mixing import choice, draw, is_below, lookup
from scoring.city.senders import sender_columns
from scoring.city.shares import City, in_range, words_frame

KIND = "contract_performance"
_PER_PERSON_MAX = 4
_MONTHS_MAX = 64
_DESIGNED_CONTRACTS = 90_000_000  # above every drawn one: 20e6 people x 4 contracts


def drawn(city: City, people: pl.LazyFrame) -> pl.LazyFrame:
    monthly = _contracts(city, people).with_columns(
        (pl.col("contract") * _MONTHS_MAX + pl.col("month")).alias("number")
    )
    first_of_month = calendar.month_start(
        calendar.month_number(city.as_of) - pl.col("month").cast(pl.Int32)
    )
    due_day = first_of_month + pl.col("due_place")
    return monthly.with_columns(
        city.draw(pl.col("number"), "contract/month").alias("drawn"), due_day.alias("due_day")
    ).select(
        "id_number",
        "contract",
        "type",
        "due_day",
        _late_days(city),
        is_below(draw(pl.col("drawn"), 2), city.shares.contract_performance.nothing_due).alias(
            "is_nothing_due"
        ),
        "drawn",
    )


def _contracts(city: City, people: pl.LazyFrame) -> pl.LazyFrame:
    """One row a month of each connected contract; `month` counts back from the city's month."""
    shares = city.shares.contract_performance
    index, contract = pl.col("index"), pl.col("contract")
    has_any = is_below(city.draw(index, "contract/any"), shares.persons)
    count = choice(city.draw(index, "contract/count"), shares.per_person) + 1
    weights = [shares.types[words.type] for words in city.wording.contract]
    payer = choice(city.draw(index, "contract/payer"), [payer.share for payer in shares.payers])
    months = in_range(city.draw(contract, "contract/months"), shares.months)
    return (
        people.filter(has_any)
        .with_columns(
            payer.alias("payer"), pl.int_ranges(0, count, dtype=pl.UInt64).alias("contract")
        )
        .explode("contract")
        .with_columns((index * _PER_PERSON_MAX + contract).alias("contract"))
        .select(
            "id_number",
            "contract",
            "payer",
            choice(city.draw(contract, "contract/type"), weights).alias("type"),
            in_range(city.draw(contract, "contract/due"), (0, 27)).alias("due_place"),
            pl.int_ranges(1, months + 1, dtype=pl.UInt64).alias("month"),
        )
        .explode("month")
    )


def _late_days(city: City) -> pl.Expr:
    """0 for on time; never more than have gone by since the due day."""
    shares = city.shares.contract_performance
    drawn_, payer = pl.col("drawn"), pl.col("payer")
    late = pl.lit(False)
    for place, payers in enumerate(shares.payers):
        late = late | ((payer == place) & is_below(drawn_, payers.late))
    step = choice(draw(drawn_, 3), [step.weight for step in shares.overdue])
    days = pl.lit(0, dtype=pl.Int32)
    for place, overdue in enumerate(shares.overdue):
        days = pl.when(step == place).then(in_range(draw(drawn_, 4), overdue.days)).otherwise(days)
    gone = city.today - pl.col("due_day")
    return pl.when(late).then(pl.min_horizontal(days, gone)).otherwise(0).alias("late_days")


def designed(city: City, records: pl.LazyFrame) -> pl.LazyFrame:
    """All records of one design belong to one contract; `number` // 100 tells designs apart."""
    return records.select(
        "id_number",
        (pl.col("number") // 100 + _DESIGNED_CONTRACTS).cast(pl.UInt64).alias("contract"),
        (pl.col("number") // 100 % len(city.wording.contract)).cast(pl.UInt32).alias("type"),
        pl.col("day").alias("due_day"),
        pl.when(outcome="late").then("measure").otherwise(0).alias("late_days"),
        (pl.col("outcome") == "nothing_due").alias("is_nothing_due"),
        city.draw(pl.col("number"), "contract/designed").alias("drawn"),
    )


def rows(city: City, facts: pl.LazyFrame) -> pl.LazyFrame:
    words = words_frame(city.wording.contract)
    is_late = pl.col("late_days") > 0
    early = in_range(draw(pl.col("drawn"), 5), city.shares.contract_performance.early_days)
    performed = (
        pl.when(is_late)
        .then(pl.col("due_day") + pl.col("late_days"))
        .otherwise(pl.col("due_day") - early)
    )
    is_performed = ~pl.col("is_nothing_due") & (performed < city.today)
    state = pl.when("is_nothing_due").then(2).when(is_late).then(1).otherwise(0)
    number = pl.col("contract").cast(pl.String).str.zfill(8)
    department, sender, sender_uscc = sender_columns(words["department"], pl.col("type"))
    return facts.select(
        department,
        pl.concat_str(pl.lit("HT"), lookup(words["letter"], pl.col("type")), number).alias("HT_BH"),
        lookup(words["type"], pl.col("type")).alias("HT_LX"),
        pl.col("id_number").alias("XDR_ZJHM"),
        calendar.month(pl.col("due_day")).alias("HT_QX"),
        calendar.slashed(pl.col("due_day")).alias("YQ_RQ"),
        calendar.slashed(pl.when(is_performed).then(performed)).alias("SJ_RQ"),
        lookup(pl.Series(["按时履约", "逾期履约", "当期无应履约事项"]), state).alias("LY_ZT"),
        pl.when("is_nothing_due").then(0).otherwise("late_days").alias("YQ_TS"),
        pl.concat_str(pl.lit("JR"), number).alias("JR_BH"),
        sender.alias("LYDW"),
        sender_uscc.alias("LYDWDM"),
    )
