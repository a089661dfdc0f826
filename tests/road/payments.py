"""Real payment records as departments' files: 30,000 people, six months each.

Source: I-C. Yeh and C.-H. Lien, 'Default of credit card clients', UCI (2009), CC BY 4.0. The people
are anonymous; here they get ID numbers of the synthetic city. Months are moved 21 years forward, so
that today's rules hold for them. Nothing of the file is kept in this repository.
"""

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec
import polars as pl

from scoring.city.senders import headers, sender_names, sender_uscc
from scoring.delivery import DeliveryNote, note_path

SOURCE = Path(__file__).parents[2].parent / "shared" / "data" / "contract_payments_2005.csv"
YEARS_FORWARD = 21
AS_OF = date(2026, 10, 15)
SENT_ON = date(2026, 10, 10)
DAYS_PER_MONTH_LATE = 30
KIND, SENDER = "contract_performance", "public_utilities"


def read_source() -> pl.DataFrame:
    """person_no, period `YYYY-MM`, repayment_status -2..9 (see the file's README)."""
    # as text: amounts such as 1.00E+05 further down defeat a guessed integer column
    text = pl.read_csv(SOURCE, infer_schema=False)
    return text.select(
        pl.col("person_no").cast(pl.Int64), "period", pl.col("repayment_status").cast(pl.Int64)
    )


def write_delivery(
    source: pl.DataFrame, *, id_number_of: Callable[[int], str], folder: Path
) -> Path:
    """One file of kind `contract_performance` with its note, ready for the door."""
    people = source["person_no"].unique().sort().to_list()
    numbers = pl.DataFrame(
        {"person_no": people, "XDR_ZJHM": [id_number_of(person) for person in people]}
    )
    status = pl.col("repayment_status")
    due = pl.concat_str(
        (pl.col("period").str.slice(0, 4).cast(pl.Int32) + YEARS_FORWARD).cast(pl.String),
        pl.lit("/"),
        pl.col("period").str.slice(5, 2),
        pl.lit("/25"),
    )
    rows = source.join(numbers, on="person_no").with_columns(
        HT_BH=pl.format("FQ-2026-{}", pl.col("person_no").cast(pl.String).str.zfill(6)),
        HT_LX=pl.lit("分期服务"),
        HT_QX=due.str.slice(0, 7).str.replace("/", "-"),
        YQ_RQ=due,
        SJ_RQ=pl.when(status.is_in([-1, 0])).then(due).otherwise(pl.lit("")),
        LY_ZT=pl.when(status == -2)
        .then(pl.lit("当期无应履约事项"))
        .when(status <= 0)
        .then(pl.lit("按时履约"))
        .otherwise(pl.lit("逾期履约")),
        YQ_TS=pl.when(status > 0).then(status * DAYS_PER_MONTH_LATE).otherwise(0),
        JR_BH=pl.format("JR{}", pl.col("person_no").cast(pl.String).str.zfill(8)),
        LYDW=pl.lit(sender_names()[SENDER]),
        LYDWDM=pl.lit(sender_uscc(SENDER)),
        BZ=pl.lit(""),
    )
    folder.mkdir(parents=True)
    file = folder / f"{SENDER}-001.csv"
    rows.sort("person_no", "period").select(headers()[KIND]).write_csv(file)
    note = DeliveryNote(
        file=file.name,
        kind=KIND,
        department_code=SENDER,
        rows=rows.height,
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        sent_on=SENT_ON,
    )
    note_path(file).write_bytes(msgspec.json.encode(note))
    return file
