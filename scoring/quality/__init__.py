"""Quality of what departments send: frames in, frames out, counted from what the door kept.

Measures and their names: 双公示 evaluation (发改办财金〔2018〕424号), 宿迁市 2018, 宣城市 2021.
Every rate has its numerator and its denominator, and none is told where nothing could be counted.
"""

from scoring.quality.deadlines import Deadlines, load_deadlines
from scoring.quality.figures import PERIODS, Period, coverage, figures, rejects_by_rule
from scoring.quality.reading import Deliveries, read_deliveries, recounted
from scoring.quality.report import QualityReport, csv_of, report_of

__all__ = [
    "PERIODS",
    "Deadlines",
    "Deliveries",
    "Period",
    "QualityReport",
    "coverage",
    "csv_of",
    "figures",
    "load_deadlines",
    "read_deliveries",
    "recounted",
    "rejects_by_rule",
    "report_of",
]
