"""Scores and bands."""

import polars as pl

from scoring.build.plan import Plan


def scores(citizens: pl.LazyFrame, items: pl.LazyFrame, plan: Plan) -> pl.LazyFrame:
    """Citizens in their order with `score_points` = base + Σ points and `band_index`; who has no
    record has the base."""
    sums = items.group_by("citizen").agg(sum_points=pl.col("points").sum())
    return (
        citizens.join(sums, on="citizen", how="left", maintain_order="left")
        .with_columns(score_points=plan.base + pl.col("sum_points").fill_null(0))
        .with_columns(band_index=_band(plan))
        .drop("sum_points")
    )


def _band(plan: Plan) -> pl.Expr:
    """Bands are ascending without gaps (lint): the index is how many starts the score reached."""
    reached = [(pl.col("score_points") >= start).cast(pl.Int32) for start in plan.band_starts]
    return pl.sum_horizontal(reached) - 1
