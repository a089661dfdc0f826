"""A citizen's stored record, judged by its live mark: who has one, who has none yet, who left."""

from typing import NoReturn

from api.problems import Problem
from api.store.protocol import Stored
from scoring.contract.documents import Band
from scoring.contract.snapshot import HotRecord, RecordCorrupt

WITHDRAWN_MARK = b"w:"
ENROLLED_MARK = b"e:"


def value_of(stored: Stored) -> bytes:
    """A withdrawal counts at once, before any rebuild; so does an enrolment, but it has to wait for
    its record. Raises Problem not_enrolled, not_scored_yet."""
    mark, value = stored.mark, stored.value
    if value is None or mark is not None:
        if mark is not None and mark.startswith(WITHDRAWN_MARK):
            raise Problem("not_enrolled")
        if value is None:
            is_waiting = mark is not None and mark.startswith(ENROLLED_MARK)
            raise Problem("not_scored_yet" if is_waiting else "not_enrolled")
    return value


def band_of(record: HotRecord, bands: list[Band]) -> Band:
    """Raises RecordCorrupt where the band does not exist or does not hold the score."""
    if not 0 <= record.band_index < len(bands):
        raise RecordCorrupt("no such band")
    band = bands[record.band_index]
    if not band.from_ <= record.score_points <= band.to:
        raise RecordCorrupt("score outside its band")
    return band


def refuse_corrupt(error: RecordCorrupt) -> NoReturn:
    """A wrong answer is never given: rather none."""
    raise Problem("record_corrupt") from error
