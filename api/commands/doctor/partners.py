"""Partners' public keys. A JWK has no last day: a file nobody touched for a year is named instead."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

from api.commands.doctor.finding import Finding, Installation, fault, warning
from api.partner.client_keys import MOST_KEYS, client_keys_file, client_keys_of

ROTATION = dt.timedelta(days=30)  # both keys are trusted as long as both stand in the file
KEY_LIFE = dt.timedelta(days=365)
WARNED_AHEAD = dt.timedelta(days=21)


def check_partners(place: Installation) -> Iterator[Finding]:
    from api.partner.registry import REGISTRY_PATH, RegistryBroken, load_registry

    named = place.environment.get("CHENGXIN_PARTNERS_FILE")
    path = Path(named) if named else REGISTRY_PATH
    try:
        registry = load_registry(path)
    except RegistryBroken:
        yield fault(
            "partners_unreadable",
            "the registry of partners is not there or not acceptable",
            where=path,
            do="correct it; the service does not start with it",
        )
        return
    for partner in registry.by_id:
        yield from _check_partner(place, client_keys_file(place.data, partner))


def _check_partner(place: Installation, path: Path) -> Iterator[Finding]:
    from api.keys import KeysRefused

    if not path.exists():
        yield warning(
            "partner_keys_missing",
            "this partner stands in the registry and cannot ask",
            where=path,
            do="put its key set there, or take it out of the registry",
        )
        return
    try:
        document = path.read_bytes()
        keys = client_keys_of(document)
    except (OSError, KeysRefused) as error:
        yield fault(
            "partner_keys_unusable",
            f"this partner cannot ask: {error if isinstance(error, KeysRefused) else error.strerror}",
            where=path,
            do="ask it for one or two ES256 keys as a JWK set",
        )
        return
    if any("d" in jwk for jwk in json.loads(document)["keys"]):
        yield fault(
            "partner_key_private",
            "the partner sent its private key: whoever read this file can ask in its name",
            where=path,
            do="remove the file, and ask the partner for a new key",
        )
    age = place.now - dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
    if len(keys) == MOST_KEYS and age > ROTATION:
        yield warning(
            "partner_rotation_open",
            f"the old key is still trusted after {age.days} days",
            where=path,
            do="ask the partner for a set with the new key alone",
        )
    elif age > KEY_LIFE:
        yield warning(
            "partner_keys_old",
            f"unchanged for {age.days} days",
            where=path,
            do="ask the partner for a new key beside the old one",
        )


def check_certificate(place: Installation) -> Iterator[Finding]:
    """TLS may end elsewhere: without a file nothing is said."""
    from cryptography import x509

    if not place.certificate.exists():
        return
    try:
        first = x509.load_pem_x509_certificates(place.certificate.read_bytes())[0]
    except (OSError, ValueError):
        yield fault(
            "certificate_unreadable",
            "no certificate can be read",
            where=place.certificate,
            do="put the chain there; nginx does not start without it",
        )
        return
    left = first.not_valid_after_utc - place.now
    if left < WARNED_AHEAD:
        say = fault if left < dt.timedelta() else warning
        yield say(
            "certificate_ends",
            f"valid until {first.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
            where=place.certificate,
            do="renew it, then systemctl reload nginx",
        )
