"""The clients our own pages are at the demo's provider."""

from collections.abc import Sequence
from pathlib import Path

from api.identity.config import Client, Persona, ProviderConfig, checked

CONSOLE_CLIENT = "chengxin-console"
CITIZEN_CLIENT = "chengxin-me"
CITIZEN_SCOPE = "citizen"


def scopes_of(personas: Sequence[Persona]) -> list[str]:
    """Every scope somebody holds, the citizen's first, then by name."""
    held = {word for persona in personas for word in persona.scope.split()}
    return sorted(held, key=lambda word: (word != CITIZEN_SCOPE, word))


def demo_clients(origins: Sequence[str], personas: Sequence[Persona]) -> list[Client]:
    """`origins`: where the pages are served, e.g. `http://127.0.0.1:9000`; register the name
    `localhost` too where people may type it."""
    return [
        Client(
            client_id=CONSOLE_CLIENT,
            name="接口试用台",
            redirect_uris=[f"{origin}/console/" for origin in origins],
            scopes=scopes_of(personas),
        ),
        Client(
            client_id=CITIZEN_CLIENT,
            name="我的信用",
            redirect_uris=[f"{origin}/me/" for origin in origins],
            scopes=[CITIZEN_SCOPE],
        ),
    ]


def demo_provider(
    *,
    issuer: str,
    audience: str,
    key_file: Path,
    personas: Sequence[Persona],
    origins: Sequence[str],
) -> ProviderConfig:
    """Raises ConfigRefused."""
    return checked(
        ProviderConfig(
            issuer=issuer,
            audience=audience,
            key_file=str(key_file),
            personas=list(personas),
            clients=demo_clients(origins, personas),
        )
    )
