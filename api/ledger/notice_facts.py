"""The notice in force as the impact assessment is held against it."""

import datetime as dt

from api.ledger.notice import load_notices
from scoring.policy.notice_facts import NoticeFacts


def notice_facts_on(day: dt.date) -> NoticeFacts:
    notices = load_notices()
    document = notices.current(day)
    terms = next(e.terms for e in notices.editions() if e.version == document.version)
    return NoticeFacts(
        version=document.version,
        purposes=[purpose.code for purpose in terms.purposes],
        items=[item.code for item in document.items],
        text=document.text,
    )
