"""The ledger: there, of this program's schema, whole, durable, signed each hour, and swept."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from api.commands.doctor.finding import Finding, Installation, fault, warning
from api.commands.doctor.ledger_facts import (
    LedgerFacts,
    applied,
    facts_of,
    last_event,
    last_retention_ms,
)
from api.commands.unreadable import DO, WORDS
from api.ledger.places import file_at, is_postgres
from api.ledger.protocol import LedgerUnavailable

CLOCK_SLACK = dt.timedelta(seconds=60)
HEAD_WARNING = dt.timedelta(hours=2)  # signed each hour
HEAD_FAULT = dt.timedelta(hours=26)  # as deploy/alerts.yml
RETENTION_LATE = dt.timedelta(days=2)  # run each day


def check_ledger(place: Installation) -> Iterator[Finding]:
    is_database = is_postgres(place.ledger)
    # An address may hold a password: the variable is named instead.
    where = "CHENGXIN_LEDGER_URL" if is_database else str(file_at(place.ledger))
    try:
        with facts_of(place.ledger) as facts:
            yield from _schema(facts, where)
            newest, at_ms = last_event(facts)
            if is_database:
                yield from _database(facts, where)
            elif not place.is_quick:
                yield from _whole(facts, where)
            yield from _clock(place, at_ms)
            yield from _retention(place, facts, newest)
    except LedgerUnavailable as error:
        reason = str(error)
        yield fault("ledger_unavailable", WORDS.get(reason, reason), where=where, do=DO)
        return
    yield from _exports(place, newest)
    yield from _heads(place, newest)


def _schema(facts: LedgerFacts, where: str) -> Iterator[Finding]:
    known = [(step.version, step.sha256) for step in facts.migrations]
    there = applied(facts)
    if there != known[: len(there)]:
        yield fault(
            "ledger_schema_unknown",
            "the schema is newer than this program, or was edited: the service will not start",
            where=where,
            do="run the program that wrote it, or a newer one",
        )
    elif len(there) < len(known):
        yield warning(
            "ledger_schema_old",
            f"step {len(there)} of {len(known)}: the next start of the service brings the others",
            where=where,
            do="make a backup, then restart the service",
        )


def _whole(facts: LedgerFacts, where: str) -> Iterator[Finding]:
    if facts.rows("PRAGMA quick_check(1)") != [("ok",)]:
        yield fault(
            "ledger_damaged",
            "pages of the file are damaged",
            where=where,
            do="keep this file, restore the last backup, then chengxin audit verify",
        )


def _database(facts: LedgerFacts, where: str) -> Iterator[Finding]:
    for name in ("fsync", "full_page_writes"):
        if facts.rows(f"SHOW {name}") != [("on",)]:
            yield fault(
                "ledger_not_durable",
                f"{name} is off: what was acknowledged may be lost",
                where=where,
                do=f"set {name} = on",
            )
    if facts.rows("SELECT pg_is_in_recovery()") == [(True,)]:
        yield fault(
            "ledger_read_only", "this server is a standby", where=where, do="name the primary"
        )
    owned = "SELECT pg_get_userbyid(relowner) = current_user FROM pg_class WHERE oid = 'event'::regclass"
    wide = "SELECT has_table_privilege('event', 'UPDATE, DELETE, TRUNCATE')"
    if facts.rows(owned) == [(True,)] or facts.rows(wide) == [(True,)]:
        yield warning(
            "ledger_rights_wide",
            "this role may do more than read and append; triggers alone stand in the way",
            where=where,
            do="let the service connect as a role with GRANT SELECT, INSERT alone",
        )


def _clock(place: Installation, at_ms: int) -> Iterator[Finding]:
    if at_ms > place.now_ms + CLOCK_SLACK.total_seconds() * 1_000:
        yield fault(
            "clock_behind",
            "the ledger's newest event is later than this machine's clock",
            where="the clock",
            do="set the clock (timedatectl); until then terms and tokens are judged wrongly",
        )


def _retention(place: Installation, facts: LedgerFacts, newest: int) -> Iterator[Finding]:
    last = last_retention_ms(facts)
    if last is None and newest:
        yield warning(
            "retention_never_ran",
            "nothing was ever erased by the retention table",
            where="chengxin-retention.timer",
            do="systemctl enable --now chengxin-retention.timer",
        )
    elif last is not None and place.now_ms - last > RETENTION_LATE.total_seconds() * 1_000:
        yield fault(
            "retention_late",
            f"last run {_instant(last):%Y-%m-%d}: what is over may still be there",
            where="chengxin-retention.timer",
            do="chengxin retention run, and see why the timer did not",
        )


def _instant(at_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at_ms / 1_000, dt.UTC)


def _exports(place: Installation, newest: int) -> Iterator[Finding]:
    from scoring.ledger_export import exported_positions

    longest = max(exported_positions(place.data / "exports"), default=0)
    if longest > newest:
        yield fault(
            "export_beyond_ledger",
            f"an export is of {longest:,} events, {newest:,} are there: a build would take it",
            where=place.data / "exports" / str(longest),
            do="move the exports aside, then export, build and publish anew",
        )


def _heads(place: Installation, newest: int) -> Iterator[Finding]:
    from api.ledger.audit.folders import heads_folder, newest_head
    from api.ledger.audit.heads import HeadWrong
    from scoring.errors import ChengxinError
    from scoring.keys import key_files
    from scoring.signing import read_verifying_key

    folder: Path = heads_folder(place.data)
    try:
        last = newest_head(folder, read_verifying_key(key_files(place.data).log_public), None)
    except ChengxinError:
        return  # said of the keys
    except (HeadWrong, OSError) as error:
        do = "compare it with a copy kept elsewhere"
        yield fault("head_wrong", f"the newest head is not ours: {error}", where=folder, do=do)
        return
    if last is None:
        if newest:
            yield fault(
                "head_missing",
                "the log was never signed: a change to it could not be shown",
                where=folder,
                do="systemctl enable --now chengxin-head.timer",
            )
        return
    if last.head.size > newest:
        yield fault(
            "ledger_shorter_than_signed",
            f"{last.head.size:,} events were signed, {newest:,} are there",
            where=folder / last.name,
            do="keep this ledger, restore the newest backup, then chengxin audit verify",
        )
    age = place.now - last.head.at
    if age > HEAD_WARNING:
        say = fault if age > HEAD_FAULT else warning
        yield say(
            "head_late",
            f"the log was last signed {age.total_seconds() / 3_600:.0f} h ago",
            where=folder / last.name,
            do="chengxin audit head, and see why chengxin-head.timer did not",
        )
