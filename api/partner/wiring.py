"""The partners' room put together: from settings to routes, verifier and limits."""

from collections.abc import Callable

from litestar.handlers import HTTPRouteHandler

from api.answers import Call, Direct
from api.limits import Limits, Quota
from api.metrics import Metrics
from api.partner.assertion import AssertionVerifier
from api.partner.attestation_routes import attestation_handlers
from api.partner.client_keys import ClientKeys
from api.partner.consent_routes import partner_consent_handlers
from api.partner.eligibility import Eligibility
from api.partner.once import Once
from api.partner.own_tokens import TokenIssuer, own_tokens
from api.partner.probing import Probing
from api.partner.published import published_handlers
from api.partner.registry import REGISTRY_PATH, load_registry
from api.partner.routes import EligibilityRoute, eligibility_handlers
from api.partner.token_route import TokenRoute, token_handler
from api.services import Services
from api.settings import Settings
from api.tokens import OwnTokens, Principal

TOKEN_PATH, ONE_PATH, BATCH_PATH = "/oauth/token", "/v1/eligibility", "/v1/eligibility/batch"


class PartnerRoom:
    """Raises RegistryBroken, KeyUnusable, OSError where the registry or our key cannot be used."""

    def __init__(
        self, settings: Settings, services: Services, clock: Callable[[], float], metrics: Metrics
    ) -> None:
        registry = load_registry(settings.partners_file or REGISTRY_PATH)
        issuer = TokenIssuer(
            settings.api_signing_key_file, issuer=settings.api_issuer, audience=settings.audience
        )
        self.own: OwnTokens = own_tokens(issuer, registry)
        self._quotas = {
            partner.id: Quota(
                name="partner", requests=partner.requests_per_minute, is_strict=True, is_told=True
            )
            for partner in registry.by_id.values()
        }
        self._citizen = Quota(
            name="citizen",
            requests=settings.citizen_requests_per_minute,
            is_strict=False,
            is_told=False,
        )
        self.limits = Limits(services.reader, self._quota_of, clock)
        assertions = AssertionVerifier(
            registry,
            ClientKeys(settings.data_dir).of,
            issuer=settings.api_issuer,
            leeway_seconds=settings.token_leeway_seconds,
            clock=clock,
        )
        tokens = TokenRoute(
            services.reader,
            assertions=assertions,
            issuer=issuer,
            source_of=source_of(settings.trusted_proxies),
            clock=clock,
        )
        decisions = Eligibility(services, clock, Probing(services, clock, metrics))
        eligibility = EligibilityRoute(decisions, Once(decisions, services), registry, self.limits)
        self.direct: dict[tuple[str, str], Direct] = {
            ("POST", TOKEN_PATH): tokens,
            ("POST", ONE_PATH): eligibility,
            ("POST", BATCH_PATH): eligibility.batch,
        }
        self.handlers: list[HTTPRouteHandler] = [
            token_handler(tokens),
            *published_handlers(issuer, max_age_seconds=settings.public_max_age_seconds),
            *eligibility_handlers(eligibility, eligibility.batch),
            *partner_consent_handlers(services),
            *attestation_handlers(services, registry),
        ]

    def _quota_of(self, principal: Principal) -> tuple[str, Quota]:
        if principal.partner is not None:
            return f"p.{principal.partner}", self._quotas[principal.partner]
        return f"c.{principal.snapshot_subject}", self._citizen


def source_of(trusted_proxies: frozenset[str]) -> Callable[[Call], str]:
    """Where a call comes from: the address of the connection, which nobody can write into a header.
    Only of a proxy of ours the last entry of X-Forwarded-For is taken, the one it has added."""

    def source(call: Call) -> str:
        client = call.scope.get("client")
        address = str(client[0]) if client else ""
        if address not in trusted_proxies:
            return address
        forwarded = call.headers.get(b"x-forwarded-for", b"").decode("latin-1")
        return forwarded.rpartition(",")[2].strip() or address

    return source
