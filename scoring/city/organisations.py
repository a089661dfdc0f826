"""机构登记: organisations with valid unified codes in division 990000; they feed no score.

A code is unique by construction: index -> organisation code is a bijection over 31^6 places.
"""

import polars as pl

from scoring.city import calendar
from scoring.city.mixing import below, choice, lookup
from scoring.city.senders import DIVISION, department_type
from scoring.city.shares import City, in_range
from scoring.identifiers.columns import organisation_check_character, uscc_check_character
from scoring.identifiers.uscc import ALPHABET

KIND = "organisation_register"
_PLACES = len(ALPHABET) ** 6
_FACTOR = 5_764_801  # 7^8 shares no factor with 31, so multiplying by it permutes the places
_PAIRS = pl.Series([first + second for first in ALPHABET for second in ALPHABET])
_PREFIXES = pl.Series(["91", "52"])  # 市场监管 enterprise, 民政 social organisation
_TRADES = pl.Series(["商贸", "餐饮", "科技", "建筑", "物流", "农业", "文化", "家政"])
_FORMS = pl.Series(["有限公司", "服务中心"])


def organisation_count(city: City, people: int) -> int:
    return round(people * city.shares.organisation_register.per_person)


def rows(city: City, first: int, past: int) -> pl.LazyFrame:
    """Organisations `first` … `past` - 1 as the sender's rows."""
    shares = city.shares.organisation_register
    index = pl.col("index")
    sender = choice(city.draw(index, "organisation/kind"), list(shares.kinds.values()))
    state = choice(city.draw(index, "organisation/state"), list(shares.states.values()))
    age = in_range(city.draw(index, "organisation/day"), shares.founded_days_ago)
    departments = pl.Series(list(shares.kinds), dtype=department_type())
    trade = below(city.draw(index, "organisation/trade"), len(_TRADES))
    return (
        pl.int_range(first, past, dtype=pl.UInt64, eager=True)
        .alias("index")
        .to_frame()
        .lazy()
        .with_columns(sender.alias("sender"), _organisation_code(city).alias("code"))
        .with_columns(pl.col("code") + organisation_check_character(pl.col("code")))
        .with_columns(
            pl.concat_str(
                lookup(_PREFIXES, pl.col("sender")), pl.lit(DIVISION), pl.col("code")
            ).alias("code")
        )
        .select(
            lookup(departments, pl.col("sender")).alias("department"),
            pl.concat_str(
                pl.lit(city.wording.city + "例"),
                index.cast(pl.String),
                pl.lit("号"),
                lookup(_TRADES, trade),
                lookup(_FORMS, pl.col("sender")),
            ).alias("JGMC"),
            (pl.col("code") + uscc_check_character(pl.col("code"))).alias("TYSHXYDM"),
            pl.lit(DIVISION).alias("ZCDZ_XZQH"),
            calendar.slashed(city.today - age).alias("CLRQ"),
            lookup(pl.Series(list(shares.states)), state).alias("ZT"),
        )
    )


def _organisation_code(city: City) -> pl.Expr:
    """Eight characters: MA, as all codes given since 2015 begin, and a permuted number of base 31."""
    pairs = len(_PAIRS)
    place = (pl.col("index") * _FACTOR + city.seed % _PLACES) % _PLACES
    return pl.concat_str(
        pl.lit("MA"),
        lookup(_PAIRS, place // pairs**2),
        lookup(_PAIRS, place // pairs % pairs),
        lookup(_PAIRS, place % pairs),
    )
