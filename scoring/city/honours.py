"""法定守信荣誉: awards with a statutory basis.

Facts: id_number, number (unique), level (1 city, 2 province, 3 national), awarded_day, drawn.
"""

import polars as pl

from scoring.city import calendar
from scoring.city.mixing import below, choice, is_below, lookup
from scoring.city.senders import sender_columns
from scoring.city.shares import City, in_range, words_frame

KIND = "honour"
LEVELS = pl.Series(["市级", "省级", "国家级"])
_DESIGNED_NUMBERS = 90_000_000


def drawn(city: City, people: pl.LazyFrame) -> pl.LazyFrame:
    shares = city.shares.honour
    index = pl.col("index")
    weights = [shares.levels[level] for level in ("city", "province", "national")]
    return people.filter(is_below(city.draw(index, "honour/any"), shares.persons)).select(
        "id_number",
        index.alias("number"),
        (choice(city.draw(index, "honour/level"), weights) + 1).cast(pl.Int32).alias("level"),
        (city.today - in_range(city.draw(index, "honour/day"), shares.awarded_days_ago)).alias(
            "awarded_day"
        ),
        city.draw(index, "honour/words").alias("drawn"),
    )


def designed(city: City, records: pl.LazyFrame) -> pl.LazyFrame:
    number = (pl.col("number") + _DESIGNED_NUMBERS).cast(pl.UInt64)
    return records.select(
        "id_number",
        number.alias("number"),
        pl.col("measure").alias("level"),
        pl.col("day").alias("awarded_day"),
        city.draw(number, "honour/words").alias("drawn"),
    )


def rows(city: City, facts: pl.LazyFrame) -> pl.LazyFrame:
    words = words_frame(city.wording.honour)
    place = below(pl.col("drawn"), words.height)
    department, sender, sender_uscc = sender_columns(words["department"], place)
    year, number = calendar.year(pl.col("awarded_day")), pl.col("number").cast(pl.String)
    return facts.select(
        department,
        pl.concat_str(pl.lit("RY"), year, number.str.zfill(8)).alias("RY_BH"),
        pl.col("id_number").alias("XDR_ZJHM"),
        lookup(words["name"], place).alias("RY_MC"),
        lookup(LEVELS, pl.col("level") - 1).alias("RY_JB"),
        lookup(words["basis"], place).alias("RY_YJ"),
        calendar.slashed(pl.col("awarded_day")).alias("SY_RQ"),
        sender.alias("SYJG"),
        sender_uscc.alias("SYJGDM"),
    )
