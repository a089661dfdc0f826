"""信用承诺 and whether they were kept: the sender's rows.

Facts: id_number, name, made_day, serial, outcome (as in the lake), assessed_day, drawn (UInt64).

A 承诺编码 is division, day and a serial of six digits, so day and serial must be unique together.
A commitment's number n gives serial n // PERIOD_DAYS and a day that depends on n modulo PERIOD_DAYS
one to one, so they are, without counting.
"""

import polars as pl

from scoring.city import calendar
from scoring.city.mixing import below, choice, is_below, lookup
from scoring.city.senders import DIVISION, sender_columns
from scoring.city.shares import City, in_range, words_frame

KIND = "commitment"
PERIOD_DAYS = 907  # a prime: every stride visits every day
_STRIDE_DAYS = 353  # two commitments of one person are about a year apart
_PER_PERSON_MAX = 4
_DESIGNED_SERIALS = 900_000  # above every drawn one: 20e6 people x 4 / 907 days

_STATES = {"kept": "全部履行", "partly_kept": "部分履行", "broken": "全部未履行"}
_UNMET = {"partly_kept": "部分材料逾期未补齐", "broken": "未按承诺履行"}
_MEASURES = {"partly_kept": "责令限期补正", "broken": "撤销相关决定"}


def drawn(city: City, people: pl.LazyFrame) -> pl.LazyFrame:
    shares = city.shares.commitment
    index = pl.col("index")
    has_any = is_below(city.draw(index, "commitment/any"), shares.persons)
    count = choice(city.draw(index, "commitment/count"), shares.per_person) + 1
    number = pl.col("number")
    serial, place = number // PERIOD_DAYS, number % PERIOD_DAYS
    shift = below(city.draw(serial, "commitment/shift"), PERIOD_DAYS)
    age = (place.cast(pl.Int32) * _STRIDE_DAYS + shift) % PERIOD_DAYS + shares.made_days_ago
    assessed_after = in_range(city.draw(number, "commitment/assessed"), shares.assessed_after_days)
    outcome = choice(city.draw(number, "commitment/outcome"), list(shares.outcomes.values()))
    return (
        people.filter(has_any)
        .with_columns(pl.int_ranges(0, count, dtype=pl.UInt64).alias("place"))
        .explode("place")
        .with_columns((index * _PER_PERSON_MAX + pl.col("place")).alias("number"))
        .select(
            "id_number",
            "name",
            (city.today - age).alias("made_day"),
            serial.alias("serial"),
            lookup(pl.Series(list(shares.outcomes)), outcome).alias("outcome"),
            (city.today - age + assessed_after).alias("assessed_day"),
            city.draw(number, "commitment/words").alias("drawn"),
        )
    )


def designed(city: City, records: pl.LazyFrame) -> pl.LazyFrame:
    return records.select(
        "id_number",
        "name",
        (pl.col("day") - 30).alias("made_day"),
        (pl.col("number") + _DESIGNED_SERIALS).cast(pl.UInt64).alias("serial"),
        "outcome",
        pl.col("day").alias("assessed_day"),
        city.draw(pl.col("number"), "commitment/designed").alias("drawn"),
    )


def rows(city: City, facts: pl.LazyFrame) -> pl.LazyFrame:
    words = words_frame(city.wording.commitment)
    place = below(pl.col("drawn"), words.height)
    outcome = pl.col("outcome")
    department, sender, sender_uscc = sender_columns(words["department"], place)
    return facts.select(
        department,
        pl.concat_str(
            pl.lit(DIVISION),
            calendar.compact(pl.col("made_day")),
            pl.col("serial").cast(pl.String).str.zfill(6),
        ).alias("承诺编码"),
        pl.col("name").alias("承诺人名称"),
        pl.lit("自然人").alias("承诺人类别"),
        pl.col("id_number").alias("承诺人代码"),
        lookup(words["type"], place).alias("承诺类型"),
        lookup(words["subject"], place).alias("承诺事由"),
        lookup(words["text"], place).alias("承诺内容"),
        lookup(words["liability"], place).alias("违诺责任"),
        calendar.slashed(pl.col("made_day")).alias("承诺作出日期"),
        outcome.replace_strict(_STATES).alias("承诺履行状态"),
        outcome.replace_strict(_UNMET, default=None).alias("未履行的承诺内容"),
        outcome.replace_strict(_MEASURES, default=None).alias("违诺责任追究内容"),
        calendar.slashed(pl.col("assessed_day")).alias("认定日期"),
        sender.alias("认定单位"),
        sender_uscc.alias("认定单位代码"),
        sender.alias("承诺受理单位"),
        sender_uscc.alias("承诺受理单位代码"),
        pl.lit("不可公开").alias("公开类型"),
    )
