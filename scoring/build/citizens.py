"""Enrolled people, numbered in the order of the snapshot: by bucket, then by pseudonym."""

import msgspec
import polars as pl

from scoring.contract.pseudonyms import PSEUDONYM_CHARS, snapshot_subject_of
from scoring.contract.snapshot import bucket_count_for
from scoring.errors import VerificationFailed
from scoring.lake.tables import BASE64URL
from scoring.policy.coverage import NoticeCoverage

# A part is one job's share of the snapshot and one file of each sort: at most 64 parts, so that a
# city of 8 million stays below 140,000 citizens a part, and at least 32,000 citizens (512 buckets)
# in each, so that a town is one file.
PARTS_AT_MOST = 64
BUCKETS_PER_PART = 512

CITIZENS: dict[str, pl.DataType] = {
    "citizen": pl.UInt32(),  # 0, 1, … in the order of the snapshot
    "subject": pl.String(),
    "snapshot_subject": pl.String(),
    "bucket": pl.UInt32(),  # of the snapshot, scoring.contract.snapshot.bucket_of
    "part": pl.UInt8(),
    "notice": pl.String(),  # accepted, where it has later terms than the snapshot's; else empty
}


class Layout(msgspec.Struct, frozen=True):
    """How a snapshot is cut; follows from the number of citizens alone, never from the workers."""

    bucket_count: int
    part_count: int


def layout_for(citizens: int) -> Layout:
    return layout_of(bucket_count_for(citizens))


def layout_of(buckets: int) -> Layout:
    """Both numbers are powers of two, so that part n of N holds the people of part n M / N of M."""
    return Layout(buckets, min(PARTS_AT_MOST, max(1, buckets // BUCKETS_PER_PART)))


def number_citizens(
    enrolments: pl.DataFrame, snapshot_key: bytes, layout: Layout | None = None
) -> pl.DataFrame:
    """One row a subject of `enrolments`: CITIZENS; without its column `notice` nobody has one.
    `layout`: of the snapshot they are a few of.

    Raises VerificationFailed `enrolments_wrong` where a subject is no pseudonym or comes twice.
    """
    subjects = _checked(enrolments["subject"])
    layout = layout or layout_for(len(subjects))
    named = [snapshot_subject_of(snapshot_key, subject) for subject in subjects]
    return (
        pl.DataFrame({"subject": subjects, "snapshot_subject": pl.Series(named, dtype=pl.String())})
        .with_columns(_notices(enrolments))
        .with_columns(bucket=_bucket(layout))
        .with_columns(part=_part(layout))
        .sort("bucket", "snapshot_subject")
        .with_row_index("citizen")
        .select(pl.col(name).cast(dtype) for name, dtype in CITIZENS.items())
    )


def covered(enrolments: pl.DataFrame, notices: NoticeCoverage | None) -> pl.DataFrame:
    """Those who accepted what is done on the day, with `notice` as in CITIZENS; without `notices`
    everybody."""
    if notices is None:
        return enrolments
    version = pl.col("notice_version")
    is_newer = version.is_in(notices.newer_terms)
    return enrolments.filter(version.is_in(notices.same_terms) | is_newer).with_columns(
        notice=pl.when(is_newer).then(version).otherwise(pl.lit(""))
    )


def _notices(enrolments: pl.DataFrame) -> pl.Series:
    if "notice" in enrolments.columns:
        return enrolments["notice"]
    return pl.Series("notice", [""], dtype=pl.String()).new_from_index(0, enrolments.height)


def _bucket(layout: Layout) -> pl.Expr:
    """`bucket_of` by column: the first four characters are 24 bits, most significant first."""
    standard = pl.col("snapshot_subject").str.slice(0, 4).str.replace_many(["-", "_"], ["+", "/"])
    # decoded to 6 bytes, of which the first 4 make an integer and the last of those is padding
    word = (standard + "AAAA").str.decode("base64").bin.slice(0, 4)
    first = word.bin.reinterpret(dtype=pl.UInt32, endianness="big").cast(pl.UInt64) // 256
    return first * layout.bucket_count // (1 << 24)


def _part(layout: Layout) -> pl.Expr:
    return pl.col("bucket") * layout.part_count // layout.bucket_count


def _checked(subjects: pl.Series) -> pl.Series:
    is_long_enough = (subjects.str.len_bytes() == PSEUDONYM_CHARS).all(ignore_nulls=False)
    has_foreign_characters = (subjects.str.strip_chars(BASE64URL) != "").any()
    is_repeated = subjects.n_unique() != len(subjects)
    if not is_long_enough or has_foreign_characters or is_repeated:
        raise VerificationFailed(
            "enrolments_wrong",
            "a subject in the ledger's export is no pseudonym or is listed twice",
            where="enrolments",
            do="export the ledger again; if it stays, the ledger holds a foreign subject",
        )
    return subjects
