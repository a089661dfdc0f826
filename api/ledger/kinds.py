"""Every kind of event there is, and the streams it stands in.

A stream is named `<word>:<key>`: `enrolment:<subject>`, `consent:<id>`. The body of a kind is a
Struct in the room that owns the word; a kind that is not in this table is never stored.
"""

from collections.abc import Mapping

ACCESSED = "accessed"  # nearly all events, and the only kind that changes no state

# What the database answers by erasing texts: those a statement replaces, or all of who left.
ERASING_KINDS = frozenset({"statement_set", "statement_removed", "withdrawn"})

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
    ACCESSED: "access",
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
    "retention_run": "retention",
    "partner_alarmed": "partner",
    "deletion_attested": "partner",
}


# Words whose key is the citizen's own pseudonym; the schemas' index of streams leaves them out.
SUBJECT_WORDS = frozenset({"enrolment", "access"})


def stream_name(word: str, key: str) -> str:
    return f"{word}:{key}"


def is_known(kind: str, stream: str, subject: str) -> bool:
    """Whether an event of this kind about this citizen may stand in this stream."""
    word, _, key = stream.partition(":")
    return STREAM_WORDS.get(kind) == word and (word not in SUBJECT_WORDS or key == subject)


def subject_runs(stream: str) -> list[tuple[str, str]]:
    """Where the events of a stream named after its citizen are: her pseudonym with each kind they
    can have; empty for any other stream."""
    word, _, key = stream.partition(":")
    if word not in SUBJECT_WORDS:
        return []
    return [(key, kind) for kind, its_word in STREAM_WORDS.items() if its_word == word]
