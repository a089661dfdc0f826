"""Variables of the service, the provider they name, and what the package itself brings with days."""

import datetime as dt
import http.client
from collections.abc import Iterator

from api.commands.doctor.finding import Finding, Installation, fault, warning

REVIEW_AHEAD = dt.timedelta(days=30)
CALENDAR_AHEAD = dt.timedelta(days=30)  # 20 working days from today must have their calendar


def check_settings(place: Installation) -> Iterator[Finding]:
    from api.commands.serve import server_environment
    from api.settings import SettingRefused, settings_from, snapshot_key_of

    try:
        settings = settings_from(server_environment(place.data, place.environment))
        snapshot_key_of(settings)
    except SettingRefused as refused:
        yield fault(
            "setting_refused",
            f"the service would not start; allowed: {refused.allowed}",
            where=refused.variable,
            do="set it in the environment file, and load that file before chengxin doctor",
        )
    except OSError as error:
        yield fault(
            "setting_refused",
            f"the service would not start: {error.strerror}",
            where="CHENGXIN_SNAPSHOT_KEY_FILE",
            do="run as the service's account; see the findings about keys",
        )
    else:
        yield from _identity(settings.jwks_uri)


def _identity(jwks_uri: str) -> Iterator[Finding]:
    from api.keys import KeysRefused, fetch, key_set_of

    try:
        key_set_of(fetch(jwks_uri))
    except KeysRefused as refused:
        yield fault(
            "identity_keys_unusable",
            f"the provider's key set cannot be used: {refused}",
            where="CHENGXIN_JWKS_URI",
            do="correct the address, or have the provider correct its key set",
        )
    except (OSError, http.client.HTTPException) as error:
        yield fault(
            "identity_keys_unreachable",
            f"the provider's key set is not to be had: {type(error).__name__}",
            where="CHENGXIN_JWKS_URI",
            do="reach the provider from this machine; without it nobody can log in after a restart",
        )


def check_terms(place: Installation) -> Iterator[Finding]:
    """What has a day: of review, or on which it ends."""
    from api.ledger.enrolment import city_day
    from api.ledger.notice_facts import notice_facts_on
    from scoring.calendar.working_days import load_calendar
    from scoring.policy.assessment import ASSESSMENT_PATH, check_assessment, load_assessment

    today = city_day(place.now_ms)
    if check_assessment(ASSESSMENT_PATH, today, notice_facts_on(today)):
        yield fault(
            "assessment_refused",
            "the impact assessment is incomplete or its review is overdue: nothing is built",
            where=ASSESSMENT_PATH.name,
            do="chengxin pia check",
        )
    else:
        due = min(entry.review_on for entry in load_assessment(ASSESSMENT_PATH).activities)
        if due <= today + REVIEW_AHEAD:
            yield warning(
                "assessment_review_due",
                f"the impact assessment is to be reviewed by {due}",
                where=ASSESSMENT_PATH.name,
                do="review it, then set reviewed_on and review_on",
            )
    if not load_calendar().is_published((today + CALENDAR_AHEAD).year):
        yield warning(
            "calendar_ends",
            f"terms that reach into {(today + CALENDAR_AHEAD).year} are provisional",
            where="working_days.toml",
            do="enter the State Council's days off of that year",
        )
    yield from _ending(today)


def _ending(today: dt.date) -> Iterator[Finding]:
    """Rules and benefits are reviewed by a day, and a benefit ends on one: nobody is asked about it
    from then on, and no build says so."""
    from scoring.benefits import load_benefits
    from scoring.benefits.load import BENEFITS_PATH
    from scoring.rulebook import load_rulebook
    from scoring.rulebook.document import published_document
    from scoring.rulebook.load import RULEBOOK_PATH

    offered = [each for each in load_benefits().policies if each.status == "live"]
    ending = [each.id for each in offered if each.valid_until <= today + REVIEW_AHEAD]
    if ending:
        yield warning(
            "benefits_end",
            f"ended, or in thirty days: {', '.join(ending)}",
            where=BENEFITS_PATH.name,
            do="prolong them with their partners, or set their status to ended",
        )
    review = "review each, then set its review_on; a second person checks it"
    if (due := _due([each.review_on for each in offered], today)) is not None:
        where = BENEFITS_PATH.name
        yield warning("benefits_review_due", f"to be reviewed by {due}", where=where, do=review)
    rules = published_document(load_rulebook(), today).rules
    if (due := _due([rule.review_on for rule in rules], today)) is not None:
        where = RULEBOOK_PATH.name
        yield warning("rules_review_due", f"to be reviewed by {due}", where=where, do=review)


def _due(days: list[dt.date], today: dt.date) -> dt.date | None:
    """The first of them, where it is near or over."""
    first = min(days, default=dt.date.max)
    return first if first <= today + REVIEW_AHEAD else None
