"""What a citizen is told without asking: first uses, changes by others, reminders.

First uses and what others changed are events of the ledger; reminders follow from the consents and
the clock, so that no job has to remember to send them.
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

REMINDER_DAYS = 90  # as the Australian Consumer Data Right asks (rule 4.20)


class NewsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`code`: stable; `text`: for reading. `link`: address of what it is about."""

    id: str
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
        time=instant(event.at_ms),
        code=code,
        text=WORDS[code].text(language, who=who, scene=scene),
        link=f"/v1/me/consents/{consent_id}",
    )


def reminders_of(
    consents: Iterable[Consent], *, now_ms: int, language: Language
) -> list[NewsAnswer]:
    """One for every 90 days a consent has been in force."""
    found = []
    for consent in consents:
        over_ms = consent.changed_at_ms if consent.status in ENDED else now_ms
        last_ms = min(over_ms, consent.terms.expires_at_ms - 1, now_ms)
        count = max(0, last_ms - consent.granted_at_ms) // (REMINDER_DAYS * DAY_MS)
        found += [_reminder(consent, number, language) for number in range(1, count + 1)]
    return found


def _reminder(consent: Consent, number: int, language: Language) -> NewsAnswer:
    terms = consent.terms
    return NewsAnswer(
        id=f"r{number}_{consent.id}",
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
