"""Versions whose time is over: what goes, what stays, and in which order.

    which     folders of `snapshots/` that nobody can need any more
    remains   what stays of one: what it was, and what an answer given from it rests on
    ending    the remains first, then the folder; exports and overlays that only it needed

Of a version that has ended, `ended/<snapshot>/` keeps

    manifest.json, manifest.sig   what it was: counts, digests, sources, as signed
    documents/                    rules, benefits and figures of that day: nothing about anybody
    answers.json, scores.parquet/, <snapshot>.jsonl
                                  of the people partners asked about alone: the score an answer
                                  rests on, what lay over it; gone when the answers' time is over
"""

from scoring.ended.ending import Ended, end_answers, end_versions, is_unfinished
from scoring.ended.remains import Answers, KeptVersion, answers_over, kept_version, whole_version
from scoring.ended.which import OldVersion, needed_by_store, old_versions

__all__ = [
    "Answers",
    "Ended",
    "KeptVersion",
    "OldVersion",
    "answers_over",
    "end_answers",
    "end_versions",
    "is_unfinished",
    "kept_version",
    "needed_by_store",
    "old_versions",
    "whole_version",
]
