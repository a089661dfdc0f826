"""The only file that wires: settings and parts in, one ASGI application out.

granian --interface asgi --factory api.app:from_environment
"""

import gc
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version

import msgspec
from litestar import Litestar

from api.access import route_table_of
from api.accesses.log import LedgerAccessLog
from api.answers import AsgiApp
from api.consents.answers import granted_bytes
from api.consents.attesting import Attestations
from api.consents.codec import ConsentCodec
from api.consents.handles import HandleKeys
from api.consents.projection import LiveConsents
from api.consents.service import ConsentService
from api.console.app import pages_config, pages_mounts
from api.edge import Edge
from api.inner import keep_failure
from api.keys import KeyFollower, fetch
from api.ledger.audit.asking import LogDesk
from api.ledger.enrolment import EnrolmentService
from api.ledger.notice import Notices, load_notices
from api.ledger.places import open_ledger_at
from api.ledger.projection import LiveMarks
from api.ledger.protocol import Ledger
from api.ledger.standing import NoticeStanding
from api.machines.gauges import Gauges
from api.machines.health import healthz_handler, metrics_handler, readyz_handler
from api.machines.interface import interface_handler
from api.me.last_good import LastGood
from api.metrics import Metrics
from api.openapi.config import openapi_config
from api.openapi.describe import describe
from api.partner.wiring import PartnerRoom
from api.public.site_files import SiteFiles
from api.receipts.signing import receipt_maker
from api.rights.wiring import rights_parts
from api.routes import citizen_handlers, direct_routes, public_handlers
from api.services import OpenParts, Services
from api.settings import Settings, settings_from, snapshot_key_of
from api.signing_keys import SigningKey, load_signing_key
from api.staff.cases import staff_handlers
from api.store.protocol import SnapshotReader
from api.store.reader import BeforeServing, ValkeyReader
from api.tokens import OwnTokens, TokenVerifier
from api.versions import PerVersion, benefits_of, rules_of
from api.vouchers.issuing import VoucherIssuer
from scoring.contract.pseudonyms import snapshot_subject_of


class Parts(msgspec.Struct, kw_only=True):
    """The real things behind the routes; tests put others in their place.

    `make_reader` is given what the reader must await with a ledger position before it serves a
    store that may have lost live marks. `open_ledger` is called on the running event loop, which
    the ledger then belongs to. `mounts`: whole applications at a prefix, which guard themselves.
    """

    make_reader: Callable[[BeforeServing], SnapshotReader]
    open_ledger: Callable[[], Awaitable[Ledger]]
    snapshot_key: bytes
    notices: Notices
    receipt_key: SigningKey
    fetch_keys: Callable[[str], bytes] = fetch
    clock: Callable[[], float] = time.time
    mounts: Mapping[str, AsgiApp] = {}


def create_app(settings: Settings, parts: Parts) -> Edge:
    services = Services(parts.make_reader, NoticeStanding(parts.notices, parts.clock))
    metrics = Metrics()
    last_good = LastGood(
        services.reader,
        snapshots=settings.data_dir / "snapshots",
        key_file=settings.data_dir / "keys" / "signing.pub.pem",
        named=partial(snapshot_subject_of, parts.snapshot_key),
        metrics=metrics,
    )
    partners = PartnerRoom(settings, services, parts.clock, metrics)
    verifier = _verifier(settings, parts, partners.own)
    keys = KeyFollower(
        settings.jwks_uri,
        refresh_seconds=settings.jwks_refresh_seconds,
        on_change=verifier.use,
        fetch=parts.fetch_keys,
    )
    verifier.on_unknown_key = keys.ask
    seconds = settings.public_max_age_seconds
    direct = {
        **direct_routes(services, last_good, max_age_seconds=seconds),
        **partners.direct,
    }
    inner = Litestar(
        [
            *citizen_handlers(services, last_good, direct),
            *partners.handlers,
            *staff_handlers(services, partial(snapshot_subject_of, parts.snapshot_key)),
            *public_handlers(services, direct, max_age_seconds=seconds),
            healthz_handler(),
            readyz_handler(services, last_good, lambda: verifier.has_keys),
            metrics_handler(metrics, Gauges(services, last_good, settings.data_dir)),
            interface_handler(lambda: describe(inner), max_age_seconds=seconds),
        ],
        lifespan=[lambda _: _open(settings, parts, services, last_good, keys)],
        exception_handlers={Exception: keep_failure},
        openapi_config=openapi_config(version("chengxin")),
        logging_config=None,
    )
    table = route_table_of(inner)
    for (method, template), answer in direct.items():
        table.by_template[template].answer_directly(method, answer)
    return Edge(
        inner,
        table=table,
        verifier=verifier,
        metrics=metrics,
        limits=partners.limits,
        body_limit_bytes=settings.body_limit_bytes,
        mounts=parts.mounts,
        site=SiteFiles(settings.site_dir) if settings.site_dir is not None else None,
    )


def from_environment() -> Edge:
    """What a server process calls. Raises SettingRefused before anything is opened."""
    settings = settings_from(os.environ)
    app = create_app(settings, parts_from(settings))
    _spare_the_collector()
    return app


def _spare_the_collector() -> None:
    """What is made at the start lives as long as the process: never look at it again. A request
    leaves no cycles behind; looking for them every 20,000 objects instead of every 700 saves 2 us
    of 40 a request (measured in turns, five times) and the worst pauses."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def parts_from(settings: Settings) -> Parts:
    """Raises SettingRefused, NoticeBroken."""
    pages = pages_config(
        settings.issuer,
        console_client=settings.console_client,
        citizen_client=settings.citizen_client,
        staff_client=settings.staff_client,
    )
    return Parts(
        make_reader=lambda replay: ValkeyReader(settings.store_url, before_serving=replay),
        open_ledger=partial(open_ledger_at, settings.ledger_url),
        snapshot_key=snapshot_key_of(settings),
        notices=load_notices(),
        receipt_key=load_signing_key(settings.api_signing_key_file),
        mounts=pages_mounts(pages),
    )


def _verifier(settings: Settings, parts: Parts, own: OwnTokens) -> TokenVerifier:
    return TokenVerifier(
        issuer=settings.issuer,
        audience=settings.audience,
        leeway_seconds=settings.token_leeway_seconds,
        cache_entries=settings.token_cache_entries,
        snapshot_subject_of=partial(snapshot_subject_of, parts.snapshot_key),
        clock=parts.clock,
        own=own,
    )


@asynccontextmanager
async def _open(
    settings: Settings,
    parts: Parts,
    services: Services,
    last_good: LastGood,
    keys: KeyFollower,
) -> AsyncIterator[None]:
    """Ledger, store, marks, keys; closed in reverse, so that nothing is asked after it is gone."""
    async with AsyncExitStack() as stack:
        ledger = await parts.open_ledger()
        stack.push_async_callback(ledger.close)
        marks = LiveMarks(ledger, services.reader, parts.snapshot_key)
        log_desk = LogDesk(settings.data_dir)
        stack.push_async_callback(log_desk.close)
        opened = _open_parts(parts, services, ledger, marks, log_desk)
        services.fill(opened)
        stack.callback(services.empty)
        await services.reader.open()
        stack.push_async_callback(services.reader.close)
        await last_good.open(ledger)
        stack.push_async_callback(last_good.close)
        marks.start()
        stack.push_async_callback(marks.stop)
        opened.live_consents.start()
        stack.push_async_callback(opened.live_consents.stop)
        await keys.open()
        stack.push_async_callback(keys.close)
        yield


def _open_parts(
    parts: Parts, services: Services, ledger: Ledger, marks: LiveMarks, log_desk: LogDesk
) -> OpenParts:
    reader = services.reader
    handle_keys = HandleKeys(parts.snapshot_key)
    codec = ConsentCodec(handle_keys, partial(snapshot_subject_of, parts.snapshot_key))
    live_consents = LiveConsents(ledger, reader, codec)
    attestations = Attestations(ledger, reader)
    register = PerVersion(benefits_of)
    return OpenParts(
        ledger=ledger,
        marks=marks,
        enrolments=EnrolmentService(
            ledger,
            marks,
            _milliseconds(parts),
            parts.notices,
            make_receipt=receipt_maker(parts.receipt_key),
        ),
        live_consents=live_consents,
        consents=ConsentService(
            ledger,
            live_consents,
            handle_keys,
            attestations,
            register=lambda: register.of(reader.version()).items,
            answer_of=granted_bytes,
            now_ms=_milliseconds(parts),
        ),
        attestations=attestations,
        access_log=LedgerAccessLog(ledger),
        rights=rights_parts(ledger, _milliseconds(parts)),
        vouchers=VoucherIssuer(
            ledger,
            reader,
            parts.receipt_key.private_key,
            parts.snapshot_key,
            benefits_in=register.of,
            rules_in=PerVersion(rules_of).of,
            now_ms=_milliseconds(parts),
            admission=services.admission,
        ),
        log_desk=log_desk,
    )


def _milliseconds(parts: Parts) -> Callable[[], int]:
    return lambda: int(parts.clock() * 1_000)
