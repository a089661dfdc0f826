"""失信行为行政处罚 of persons, in the national field list of 2018 (CF_).

Facts: id_number, name, number (unique), class (minor, general, serious), decided_day, drawn,
conduct (place in the wording), is_late.

What was decided within the last four weeks comes in weekly deliveries, no row older than seven
days; everything before in one first delivery. A late delivery holds what a department sent long
after deciding it.
"""

import polars as pl

from scoring.city import calendar
from scoring.city.mixing import below, choice, draw, is_below, lookup
from scoring.city.senders import sender_columns
from scoring.city.shares import City, Range, in_range, words_frame

KIND = "penalty"
WEEKS = 4
LATE_DELIVERY = WEEKS + 1  # deliveries are 0 the first one, 1 … 4 the weeks, 5 the late one
_DESIGNED_NUMBERS = 90_000_000
_FINES_YUAN_STEP = 100
_VALID_DAYS = 1095


def sent_days_ago(delivery: int) -> int:
    """Days between the sending of a delivery and the city's day."""
    weeks = {0: WEEKS, LATE_DELIVERY: 0}.get(delivery, WEEKS - delivery)
    return 7 * weeks


def drawn(city: City, people: pl.LazyFrame) -> pl.LazyFrame:
    shares = city.shares.penalty
    index = pl.col("index")
    grade = choice(city.draw(index, "penalty/class"), list(shares.classes.values()))
    words = below(city.draw(index, "penalty/conduct"), len(city.wording.penalty))
    return people.filter(is_below(city.draw(index, "penalty/any"), shares.persons)).select(
        "id_number",
        "name",
        index.alias("number"),
        lookup(pl.Series(list(shares.classes)), grade).alias("class"),
        (city.today - in_range(city.draw(index, "penalty/day"), shares.decided_days_ago)).alias(
            "decided_day"
        ),
        city.draw(index, "penalty/words").alias("drawn"),
        words.alias("conduct"),
        pl.lit(False).alias("is_late"),
    )


def designed(city: City, records: pl.LazyFrame) -> pl.LazyFrame:
    number = (pl.col("number") + _DESIGNED_NUMBERS).cast(pl.UInt64)
    departments = [words.department for words in city.wording.penalty]
    late_place = departments.index("housing")
    conduct = below(city.draw(number, "penalty/conduct"), len(departments))
    return records.select(
        "id_number",
        "name",
        number.alias("number"),
        pl.col("outcome").alias("class"),
        pl.col("day").alias("decided_day"),
        city.draw(number, "penalty/words").alias("drawn"),
        pl.when("is_late").then(late_place).otherwise(conduct).cast(pl.Int32).alias("conduct"),
        "is_late",
    )


def rows(city: City, facts: pl.LazyFrame) -> pl.LazyFrame:
    words = words_frame(city.wording.penalty)
    place = pl.col("conduct")
    department, sender, sender_uscc = sender_columns(words["department"], place)
    document = pl.concat_str(
        pl.lit("诚"),
        lookup(words["sign"], place),
        pl.lit("罚〔"),
        calendar.year(pl.col("decided_day")),
        pl.lit("〕"),
        pl.col("number").cast(pl.String),
        pl.lit("号"),
    )
    return _with_sanction(city, facts).select(
        department,
        _delivery(city),
        pl.col("name").alias("CF_XDR_MC"),
        pl.lit("自然人").alias("CF_XDR_LB"),
        pl.lit("身份证").alias("CF_XDR_ZJLX"),
        pl.col("id_number").alias("CF_XDR_ZJHM"),
        document.alias("CF_WSH"),
        lookup(words["conduct"], place).alias("CF_WFXW"),
        lookup(words["fact"], place).alias("CF_SY"),
        lookup(words["basis"], place).alias("CF_YJ"),
        pl.col("sanction").alias("CF_CFLB"),
        pl.col("text").alias("CF_NR"),
        pl.col("fine").alias("CF_NR_FK"),
        pl.col("seized").alias("CF_NR_WFFF"),
        pl.col("licence").alias("CF_NR_ZKDX"),
        calendar.slashed(pl.col("decided_day")).alias("CF_JDRQ"),
        calendar.slashed(pl.col("decided_day") + _VALID_DAYS).alias("CF_YXQ"),
        sender.alias("CF_CFJG"),
        sender_uscc.alias("CF_CFJGDM"),
        sender.alias("CF_SJLY"),
        sender_uscc.alias("CF_SJLYDM"),
    )


def _delivery(city: City) -> pl.Expr:
    weeks_ago = (city.today - pl.col("decided_day")) // 7
    weekly = pl.when(weeks_ago < WEEKS).then(WEEKS - weeks_ago).otherwise(0)
    return pl.when("is_late").then(LATE_DELIVERY).otherwise(weekly).cast(pl.Int32).alias("delivery")


def _with_sanction(city: City, facts: pl.LazyFrame) -> pl.LazyFrame:
    """Two sanctions a class; 万元 with six decimals where money is taken, as the list demands."""
    shares = city.shares.penalty
    is_first = is_below(draw(pl.col("drawn"), 1), 0.5)
    grade = pl.col("class")
    general_fine, serious_fine = (
        _wan_yuan(draw(pl.col("drawn"), 2), yuan)
        for yuan in (shares.general_fine_yuan, shares.serious_fine_yuan)
    )
    sanction = (
        pl.when((grade == "minor") & is_first)
        .then(pl.lit("警告"))
        .when(grade == "minor")
        .then(pl.lit("通报批评"))
        .when((grade == "general") & ~is_first)
        .then(pl.lit("没收违法所得"))
        .when((grade == "serious") & ~is_first)
        .then(pl.lit("吊销许可证件"))
        .otherwise(pl.lit("罚款"))
    )
    is_general = grade == "general"
    name = pl.col("sanction")
    return facts.with_columns(sanction.alias("sanction")).with_columns(
        pl.when(name == "罚款")
        .then(pl.when(is_general).then(general_fine).otherwise(serious_fine))
        .alias("fine"),
        pl.when(name == "没收违法所得").then(general_fine).alias("seized"),
        pl.when(name == "吊销许可证件").then(pl.lit("从业许可证")).alias("licence"),
        pl.concat_str(pl.lit("给予"), name, pl.lit("处罚")).alias("text"),
    )


def _wan_yuan(drawn: pl.Expr, yuan: Range) -> pl.Expr:
    low, high = yuan
    amount = in_range(drawn, (low // _FINES_YUAN_STEP, high // _FINES_YUAN_STEP))
    cents = (amount % 100).cast(pl.String).str.zfill(2)  # hundreds of yuan: 1 % of 万元 each
    return pl.concat_str((amount // 100).cast(pl.String), pl.lit("."), cents, pl.lit("0000"))
