"""法院确认未履行义务: obligations a court confirmed, and the day they were met.

Facts: id_number, number (unique), confirmed_day, fulfilled_day (null while unmet).
"""

import polars as pl

from scoring.city import calendar
from scoring.city.mixing import is_below
from scoring.city.senders import department_type, sender_names, sender_uscc
from scoring.city.shares import City, in_range

KIND = "court_obligation"
_DESIGNED_NUMBERS = 90_000_000


def drawn(city: City, people: pl.LazyFrame) -> pl.LazyFrame:
    shares = city.shares.court_obligation
    index = pl.col("index")
    confirmed = city.today - in_range(city.draw(index, "court/day"), shares.confirmed_days_ago)
    met = confirmed + in_range(city.draw(index, "court/after"), shares.fulfilled_after_days)
    is_met = is_below(city.draw(index, "court/met"), shares.fulfilled) & (met <= city.today)
    return people.filter(is_below(city.draw(index, "court/any"), shares.persons)).select(
        "id_number",
        index.alias("number"),
        confirmed.alias("confirmed_day"),
        pl.when(is_met).then(met).alias("fulfilled_day"),
    )


def designed(city: City, records: pl.LazyFrame) -> pl.LazyFrame:
    return records.select(
        "id_number",
        (pl.col("number") + _DESIGNED_NUMBERS).cast(pl.UInt64).alias("number"),
        pl.col("day").alias("confirmed_day"),
        pl.when(outcome="fulfilled").then(pl.col("day") + 30).alias("fulfilled_day"),
    )


def rows(city: City, facts: pl.LazyFrame) -> pl.LazyFrame:
    is_met = pl.col("fulfilled_day").is_not_null()
    year, number = calendar.year(pl.col("confirmed_day")), pl.col("number").cast(pl.String)
    return facts.select(
        pl.lit("court", dtype=department_type()).alias("department"),
        pl.concat_str(pl.lit("（"), year, pl.lit("）诚01执"), number, pl.lit("号")).alias("AH"),
        pl.col("id_number").alias("XDR_ZJHM"),
        pl.concat_str(
            pl.lit("（"), year, pl.lit("）诚01民初"), number, pl.lit("号民事判决书")
        ).alias("SX_WS"),
        pl.lit("按生效判决给付欠款").alias("YW_NR"),
        calendar.slashed(pl.col("confirmed_day")).alias("QR_RQ"),
        pl.when(is_met).then(pl.lit("已履行")).otherwise(pl.lit("未履行")).alias("LX_ZT"),
        calendar.slashed(pl.col("fulfilled_day")).alias("LX_RQ"),
        pl.lit(sender_names()["court"]).alias("FY_MC"),
        pl.lit(sender_uscc("court")).alias("FY_DM"),
    )
