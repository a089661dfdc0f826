"""Every kind of event there is, and the streams it stands in.

A stream is named `<word>:<key>`: `enrolment:<subject>`, `consent:<id>`. The body of a kind is a
Struct in the room that owns the word; a kind that is not in this table is never stored.
"""

from collections.abc import Mapping

# kind -> word before the colon of its stream
STREAM_WORDS: Mapping[str, str] = {
    "enrolled": "enrolment",
    "withdrawn": "enrolment",
    "consent_requested": "consent",
    "consent_granted": "consent",
    "consent_confirmed": "consent",
    "consent_paused": "consent",
    "consent_resumed": "consent",
    "consent_revoked": "consent",
    "consent_rejected": "consent",
    "consent_first_used": "consent",
    "accessed": "access",
    "dispute_opened": "dispute",
    "dispute_proposed": "dispute",
    "dispute_returned": "dispute",
    "dispute_decided": "dispute",
    "review_opened": "review",
    "review_decided": "review",
    "repair_opened": "repair",
    "repair_proposed": "repair",
    "repair_returned": "repair",
    "repair_decided": "repair",
    "statement_set": "record",
    "statement_removed": "record",
}


def stream_name(word: str, key: str) -> str:
    return f"{word}:{key}"


def is_known(kind: str, stream: str) -> bool:
    """Whether an event of this kind may stand in this stream."""
    return STREAM_WORDS.get(kind) == stream.partition(":")[0]
