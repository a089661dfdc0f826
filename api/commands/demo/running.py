"""The demo's processes: store, provider, API; up until Ctrl-C, then stopped in reverse."""

import contextlib
import os
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from api.commands.demo.cases import STAFF_SCOPES, demo_staff, staff_personas
from api.commands.demo.city import DemoState, build_snapshot, persona_residents, some_subs
from api.commands.demo.handover import (
    DemoCitizen,
    DemoDocument,
    DemoIdentityProvider,
    write_handover,
)
from api.commands.demo.heads import sign_head
from api.commands.demo.partners import (
    demo_consents,
    demo_partners,
    grant_consents,
    make_partner_keys,
)
from api.commands.demo.processes import Child, free_port
from api.commands.demo.tokens import AUDIENCE, token
from api.commands.demo.watching import Watch, publish_snapshot
from api.identity.config import Client, Persona, ProviderConfig, write_config
from api.ledger.protocol import LedgerError
from scoring.keys import KeyFiles, key_files, read_symmetric_key

READY_SECONDS = 120.0  # of a machine that is busy; a child that has ended is noticed at once
LOOK_SECONDS = 1.0
HANDOVER_NAME = "demo.json"
CONSOLE_CLIENT, CITIZEN_CLIENT, STAFF_CLIENT = "chengxin-console", "chengxin-me", "chengxin-staff"


def run_until_stopped(data: Path, state: DemoState, *, port: int, workers: int) -> None:
    console = Console()
    with ExitStack() as stack:
        api, watch, document = start(data, state, port=port, workers=workers, stack=stack)
        stopped = _asked_to_stop()
        handover = data / HANDOVER_NAME
        write_handover(handover, document)  # who finds it may stop the demo at once
        console.print(f"\n[bold]诚信 Chengxin[/bold] · {state.people:,} people · {state.snapshot}")
        console.print(f"  site      {api}/")
        console.print(f"  我的信用   {api}/me/")
        console.print(f"  案件办理   {api}/staff/")
        console.print(f"  console   {api}/console/")
        console.print(f"  tokens    {handover}", soft_wrap=True)
        console.print("  Ctrl-C stops everything")
        while not stopped.wait(LOOK_SECONDS):
            watch.look()
        console.print("stopping")


def start(
    data: Path, state: DemoState, *, port: int, workers: int, stack: ExitStack
) -> tuple[str, Watch, DemoDocument]:
    """Start every process on `stack`; returns the API's address once it answers, and what is told."""
    from scoring.store.embedded import EmbeddedStore

    store = stack.enter_context(EmbeddedStore(data / "store"))
    publish_snapshot(data, state.snapshot, store.url)
    port = free_port(port)
    api = f"http://127.0.0.1:{port}"
    issuer = f"http://127.0.0.1:{free_port(0)}"
    provider = _start_provider(data, state, issuer, api, stack)
    make_partner_keys(data)
    grant_consents(data, state)
    with contextlib.suppress(LedgerError):  # its own alarm is the service's 503
        sign_head(data)
    site = _build_site(data, api)
    environment = {
        **os.environ,
        "CHENGXIN_DATA_DIR": str(data),
        "CHENGXIN_STORE_URL": store.url,
        "CHENGXIN_ISSUER": issuer,
        "CHENGXIN_AUDIENCE": AUDIENCE,
        "CHENGXIN_API_ISSUER": api,
        "CHENGXIN_JWKS_URI": f"{issuer}/jwks.json",
        "CHENGXIN_SITE_DIR": str(site),
        "CHENGXIN_CONSOLE_CLIENT": CONSOLE_CLIENT,
        "CHENGXIN_CITIZEN_CLIENT": CITIZEN_CLIENT,
        "CHENGXIN_STAFF_CLIENT": STAFF_CLIENT,
    }
    command = [sys.executable, "-m", "api.commands", "serve", "--data", str(data)]
    command += ["--port", str(port), "--workers", str(workers)]
    child = Child("the API", command, environment, data / "logs" / "api.log")
    stack.callback(child.stop)
    child.wait_until_answering(f"{api}/readyz", READY_SECONDS)
    overlay = _start_overlay(data, store.url, stack)
    watch = Watch(data, state, store, [provider, child], overlay)
    return api, watch, _handover(data, state, api, issuer)


def _start_overlay(data: Path, store_url: str, stack: ExitStack) -> Child:
    """Who joins or disputes while the demo runs sees it in her score within a minute."""
    command = [sys.executable, "-m", "api.commands", "overlay"]
    command += ["--data", str(data), "--store", store_url]
    overlay = Child("the overlay", command, os.environ, data / "logs" / "overlay.log")
    stack.callback(overlay.stop)
    return overlay


def _start_provider(data: Path, state: DemoState, issuer: str, api: str, stack: ExitStack) -> Child:
    lake_key = read_symmetric_key(key_files(data).lake)
    personas = [
        Persona(persona=code, sub=who.subject, scope="citizen", birthdate=who.birth_date)
        for code, who in persona_residents(state, lake_key).items()
    ]
    personas += staff_personas()
    pages = (
        (CONSOLE_CLIENT, "接口控制台", "console", ["openid", "citizen", *STAFF_SCOPES]),
        (CITIZEN_CLIENT, "我的信用", "me", ["openid", "citizen"]),
        (STAFF_CLIENT, "案件办理", "staff", ["openid", *STAFF_SCOPES]),
    )
    config = ProviderConfig(
        issuer=issuer,
        audience=AUDIENCE,
        key_file=str(key_files(data).identity),
        personas=personas,
        clients=[
            Client(
                client_id=client,
                name=name,
                redirect_uris=[f"{api}/{page}/"],
                scopes=scopes,
            )
            for client, name, page, scopes in pages
        ],
    )
    write_config(config, data / "identity.json")
    command = [sys.executable, "-m", "api.identity", "--config", str(data / "identity.json")]
    child = Child("the OpenID provider", command, os.environ, data / "logs" / "identity.log")
    stack.callback(child.stop)
    child.wait_until_answering(f"{issuer}/jwks.json", READY_SECONDS)
    return child


def _build_site(data: Path, api: str) -> Path:
    from api.commands.site import site_build

    site = data / "site"
    site_build(data=data, out=site, url=f"{api}/")
    return site


def _handover(data: Path, state: DemoState, api: str, issuer: str) -> DemoDocument:
    files: KeyFiles = key_files(data)
    cast = persona_residents(state, read_symmetric_key(files.lake))
    return DemoDocument(
        api=api,
        site=f"{api}/",
        snapshot=state.snapshot,
        citizens=[
            DemoCitizen(
                persona=code,
                sub=who.subject,
                token=token(
                    files.identity,
                    issuer=issuer,
                    sub=who.subject,
                    scope="citizen",
                    birthdate=who.birth_date,
                ),
            )
            for code, who in cast.items()
        ],
        partners=demo_partners(data, api),
        staff=demo_staff(files, issuer),
        subs=some_subs(data, state.snapshot),
        identity_provider=DemoIdentityProvider(
            issuer=issuer, jwks_uri=f"{issuer}/jwks.json", private_key_file=str(files.identity)
        ),
        api_signing_key_file=str(files.api_signing),
        consents=demo_consents(data, state),
    )


def _asked_to_stop() -> threading.Event:
    """Set by Ctrl-C or SIGTERM from now on; before, either ends a start where it is."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


__all__ = ["build_snapshot", "publish_snapshot", "run_until_stopped", "start"]
