"""What a citizen is told without asking: first uses, changes by others, decisions, reminders.

First uses, decisions and what others changed are events of the ledger; reminders follow from the
consents and the clock, so that no job has to remember to send them.
"""

import datetime as dt
from collections.abc import Iterable, Mapping

import msgspec

from api.accesses.answers import Names
from api.consents.machine import FIRST_USED, REVOKED, Consent, FirstUsedBody, body_of
from api.consents.protocol import ENDED
from api.consents.terms import DAY_MS
from api.ledger.enrolment import instant
from api.ledger.protocol import Event
from api.problems import Language
from api.rights.case import Case

REMINDER_DAYS = 90  # as the Australian Consumer Data Right asks (rule 4.20)


class NewsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`code`: stable; `text`: for reading. `link`: address of what it is about. `seq`: number of its
    event in the ledger, to ask a proof with; null where it follows from the clock alone."""

    id: str
    seq: int | None
    time: dt.datetime
    code: str
    text: str
    link: str | None


class NewsList(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first."""

    items: list[NewsAnswer]
    next_cursor: str | None


class NewsWords(msgspec.Struct, frozen=True):
    zh: str
    en: str

    def text(self, language: Language, **words: str) -> str:
        return (self.en if language == "en" else self.zh).format(**words)


WORDS: Mapping[str, NewsWords] = {
    "consent_first_used": NewsWords(
        "{who}第一次使用了您的同意（{scene}）。如不是您的本意，可随时撤回。",
        "{who} used your consent for the first time ({scene}). You can revoke it at any time.",
    ),
    "consent_ended_by_partner": NewsWords(
        "{who}放弃了您给予的同意（{scene}），今后不能再询问。",
        "{who} gave up your consent ({scene}) and can no longer ask.",
    ),
    "dispute_upheld": NewsWords(
        "您提出的异议已经办结：异议成立，这条记录不再计分。理由见异议详情。",
        "Your dispute is decided: upheld, the record no longer counts. The dispute has the reasons.",
    ),
    "dispute_rejected": NewsWords(
        "您提出的异议已经办结：记录经核实无误，恢复计分。理由见异议详情；您仍可作本人说明，或请求人工复核。",
        "Your dispute is decided: the record was found correct and counts again. The dispute has the "
        "reasons; you can still add a statement or ask for a review.",
    ),
    "dispute_undecided": NewsWords(
        "您提出的异议已经办结：无法核实，双方说明都予保留，这条记录不计分。理由见异议详情。",
        "Your dispute is decided: it could not be established. Both statements stay and the record "
        "does not count. The dispute has the reasons.",
    ),
    "review_confirmed": NewsWords(
        "您请求的人工复核已经办结：原结果经人工核对无误。理由见复核详情。",
        "The review you asked for is decided: a person confirmed the result. The review has the reasons.",
    ),
    "review_corrected": NewsWords(
        "您请求的人工复核已经办结：原结果有误，已予更正。理由见复核详情。",
        "The review you asked for is decided: the result was wrong and is put right. The review has "
        "the reasons.",
    ),
    "repair_granted": NewsWords(
        "您申请的信用修复已经办结：准予修复，这条记录不再计分，也不再向任何人提供。",
        "The repair you asked for is granted: the record no longer counts and is shown to nobody.",
    ),
    "repair_refused": NewsWords(
        "您申请的信用修复已经办结：暂不符合条件。理由见申请详情；条件具备后可再次申请，不收取任何费用。",
        "The repair you asked for is decided: the conditions are not met yet. The request has the "
        "reasons; you can ask again, always free of charge.",
    ),
    "consent_reminder": NewsWords(
        "您对{who}的同意（{scene}）仍然有效，到期日为 {until}。不再需要时可随时撤回。",
        "Your consent to {who} ({scene}) is still in force until {until}. Revoke it when you no longer need it.",
    ),
}

CONSENT_NEWS_KINDS = (FIRST_USED, REVOKED)
_FIRST_USED = msgspec.json.Decoder(FirstUsedBody)


def news_of(event: Event, names: Names, language: Language) -> NewsAnswer | None:
    """None where she did it herself and needs no telling."""
    if event.kind == FIRST_USED:
        used = _FIRST_USED.decode(event.body)
        code, consent_id, policy = "consent_first_used", used.id, used.policy or ""
        who = names.partners.get(used.partner, used.partner)
        scene = names.scenes.get(policy, policy)
    else:
        body = body_of(event)
        if body.by != "partner":
            return None
        who, scene, consent_id = body.terms.partner_name, body.terms.scene, body.id
        code = "consent_ended_by_partner"
    return NewsAnswer(
        id=f"e{event.seq}",
        seq=event.seq,
        time=instant(event.at_ms),
        code=code,
        text=WORDS[code].text(language, who=who, scene=scene),
        link=f"/v1/me/consents/{consent_id}",
    )


def decisions_of(cases: Iterable[Case], language: Language) -> list[NewsAnswer]:
    """One for each case that is decided: what is proposed and not confirmed decides nothing yet."""
    return [
        NewsAnswer(
            id=f"e{case.seq}",
            seq=case.seq,
            time=instant(case.decision.at_ms),
            code=(code := f"{case.type}_{case.decision.outcome}"),
            text=WORDS[code].text(language),
            link=f"/v1/me/{case.type}s",
        )
        for case in cases
        if case.decision is not None
    ]


def reminders_of(
    consents: Iterable[Consent], *, now_ms: int, language: Language
) -> list[NewsAnswer]:
    """One for every 90 days since a consent was given; none for what still waits for her word."""
    found = []
    for consent in consents:
        if consent.status == "awaiting":
            continue
        over_ms = consent.changed_at_ms if consent.status in ENDED else now_ms
        last_ms = min(over_ms, consent.terms.expires_at_ms - 1, now_ms)
        count = max(0, last_ms - consent.granted_at_ms) // (REMINDER_DAYS * DAY_MS)
        found += [_reminder(consent, number, language) for number in range(1, count + 1)]
    return found


def _reminder(consent: Consent, number: int, language: Language) -> NewsAnswer:
    terms = consent.terms
    return NewsAnswer(
        id=f"r{number}_{consent.id}",
        seq=None,
        time=instant(consent.granted_at_ms + number * REMINDER_DAYS * DAY_MS),
        code="consent_reminder",
        text=WORDS["consent_reminder"].text(
            language,
            who=terms.partner_name,
            scene=terms.scene,
            until=instant(terms.expires_at_ms).date().isoformat(),
        ),
        link=f"/v1/me/consents/{consent.id}",
    )
