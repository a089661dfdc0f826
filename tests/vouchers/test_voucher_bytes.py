"""Vouchers a gate may believe, and everything it may not: bytes, keys, audience, policy, time, use."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from api.keys import KeySet, key_set_of
from api.partner.registry import load_registry
from api.signing_keys import jwks_of, make_signing_key
from api.tokens import TokenRefused, verified_part
from api.vouchers.qr import voucher_svg
from api.vouchers.replay import use_in_file
from api.vouchers.terms import TERMS
from api.vouchers.token import ENCODED_HEADER, HEADER, Voucher, base64url, signed
from api.vouchers.verify import VoucherRefused, verified_voucher
from scoring.benefits import load_benefits

NOW = 1_795_305_600
BUS, RIDE = "city_bus", "xinyixing_ride_later"
KEY, OTHER_KEY = make_signing_key(), make_signing_key()


def keys(*of: object) -> KeySet:
    return key_set_of(json.dumps(jwks_of(*(of or (KEY,)))).encode())  # type: ignore[arg-type]


OURS = keys()
VOUCHER = Voucher(
    audience=BUS, exp=NOW + TERMS.lifetime_seconds, jti="Q2hlbmd4aW5fMTIz", policy=RIDE
)
TOKEN = signed(VOUCHER, KEY.private_key)


def verdict(
    token: str = TOKEN,
    *,
    audience: str = BUS,
    policy: str = RIDE,
    now: int = NOW,
    by: KeySet = OURS,
) -> str:
    try:
        verified_voucher(token, by, audience=audience, policy=policy, now=now)
    except VoucherRefused as refused:
        return refused.code
    return "accepted"


def forged(payload: object, header: bytes = HEADER) -> str:
    """Signed with the right key: what only a mistake of our own could make."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    algorithm = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
    content = base64url(header) + b"." + base64url(body)
    return (content + b"." + base64url(algorithm.sign(content, KEY.private_key))).decode()


def test_a_fresh_voucher_is_accepted_by_the_published_key_alone() -> None:
    assert verdict() == "accepted"
    assert verdict(by=keys(OTHER_KEY, KEY)) == "accepted"  # while a key is being replaced
    assert verdict(by=keys(OTHER_KEY)) == "voucher_not_ours"


def test_it_holds_policy_partner_time_and_a_random_number_and_nothing_else() -> None:
    payload = json.loads(jwt.utils.base64url_decode(TOKEN.split(".")[1]))
    assert set(payload) == {"aud", "exp", "jti", "policy"}


def test_any_other_jose_library_verifies_the_same_bytes() -> None:
    public = KEY.private_key.public_key()
    claims = jwt.decode(
        TOKEN, public, algorithms=["ES256"], audience=BUS, options={"verify_exp": False}
    )
    assert claims["policy"] == RIDE


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"audience": "city_parking"}, "voucher_for_another_partner"),
        ({"policy": "xinyixing_park_later"}, "voucher_for_another_policy"),
        ({"now": VOUCHER.exp - 1}, "accepted"),
        ({"now": VOUCHER.exp}, "voucher_expired"),
        ({"now": NOW - TERMS.clock_difference_seconds}, "accepted"),
        ({"now": NOW - TERMS.clock_difference_seconds - 1}, "voucher_from_the_future"),
    ],
)
def test_partner_policy_and_time_are_held_to_the_second(
    change: dict[str, object], code: str
) -> None:
    assert verdict(**change) == code  # type: ignore[arg-type]


def test_every_single_changed_character_is_refused() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for place, character in enumerate(TOKEN):
        other = alphabet[(alphabet.find(character) + 1) % 64]
        assert verdict(TOKEN[:place] + other + TOKEN[place + 1 :]) != "accepted", place
        assert verdict(TOKEN[:place] + TOKEN[place + 1 :]) != "accepted", place


def test_every_single_changed_bit_of_payload_and_signature_is_refused() -> None:
    head, payload, signature = TOKEN.split(".")
    raw = jwt.utils.base64url_decode(payload), jwt.utils.base64url_decode(signature)
    for which, data in enumerate(raw):
        for bit in range(8 * len(data)):
            parts = [bytearray(part) for part in raw]
            parts[which][bit // 8] ^= 1 << bit % 8
            changed = ".".join([head, *(base64url(bytes(part)).decode() for part in parts)])
            assert verdict(changed) != "accepted"


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=400), st.binary(max_size=300).map(lambda b: b.decode("latin-1"))))
def test_no_text_makes_the_verifier_fail_in_another_way(text: str) -> None:
    assert verdict(text) == "voucher_malformed"


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"none","typ":"voucher+jwt"}',
        b'{"alg":"HS256","typ":"voucher+jwt"}',
        b'{"alg":"ES256","typ":"at+jwt"}',
        b'{"alg":"ES256","typ":"voucher+jwt","kid":"x"}',
        b'{"alg":"ES256","jku":"https://x","typ":"voucher+jwt"}',
        b'{"typ":"voucher+jwt","alg":"ES256"}',
    ],
)
def test_another_header_is_refused_even_with_a_right_signature(header: bytes) -> None:
    claims = {"aud": BUS, "exp": VOUCHER.exp, "jti": VOUCHER.jti, "policy": RIDE}
    assert verdict(forged(claims)) == "accepted"
    assert verdict(forged(claims, header)) == "voucher_malformed"


@pytest.mark.parametrize(
    "change",
    [
        {"aud": [BUS]},
        {"exp": str(VOUCHER.exp)},
        {"exp": VOUCHER.exp + 0.5},
        {"exp": True},
        {"jti": ""},
        {"jti": "a" * 15},
        {"sub": "somebody"},
        {"policy": None},
    ],
)
def test_members_of_another_type_or_beyond_the_four_are_refused(change: dict[str, object]) -> None:
    claims = {"aud": BUS, "exp": VOUCHER.exp, "jti": VOUCHER.jti, "policy": RIDE, **change}
    assert verdict(forged(claims)) == "voucher_malformed"


def test_a_member_twice_is_refused() -> None:
    twice = b'{"aud":"city_bus","exp":1,"exp":%d,"jti":"Q2hlbmd4aW5fMTIz","policy":"%s"}'
    assert verdict(forged(twice % (VOUCHER.exp, RIDE.encode()))) == "voucher_malformed"


def test_a_voucher_is_no_access_token() -> None:
    with pytest.raises(TokenRefused):
        verified_part(TOKEN.encode(), keys())


def test_keys_of_other_algorithms_in_the_set_are_passed_over() -> None:
    p384 = ec.generate_private_key(ec.SECP384R1()).public_key()
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(p384, as_dict=True)
    document = jwks_of(KEY)
    document["keys"].append({**jwk, "kid": "other", "alg": "ES384", "use": "sig"})
    assert verdict(by=key_set_of(json.dumps(document).encode())) == "accepted"


def test_the_same_voucher_has_the_same_bytes() -> None:
    assert signed(VOUCHER, KEY.private_key) == TOKEN
    assert TOKEN.startswith(ENCODED_HEADER.decode() + ".")


def test_vouchers_of_all_registered_policies_fit_the_readable_qr_code() -> None:
    for policy in load_benefits().policies:
        voucher = Voucher(audience=policy.partner, exp=NOW, jti="x" * 16, policy=policy.id)
        token = signed(voucher, KEY.private_key)
        assert len(token) <= TERMS.most_bytes < 300
        assert policy.partner in load_registry().by_id


def test_the_qr_code_is_a_picture_and_nothing_more() -> None:
    svg = voucher_svg(TOKEN)
    assert svg.startswith("<svg ")
    assert len(svg) < 32_768
    for word in ("script", "href", "style=", "http://", "https://"):
        assert word not in svg.replace("http://www.w3.org/2000/svg", "")


def test_a_voucher_opens_once(tmp_path: Path) -> None:
    use_in_file(tmp_path / "seen.sqlite", VOUCHER, NOW)
    with pytest.raises(VoucherRefused, match="voucher_used"):
        use_in_file(tmp_path / "seen.sqlite", VOUCHER, NOW + 1)


def test_a_gate_forgets_what_can_no_longer_be_used(tmp_path: Path) -> None:
    path = tmp_path / "seen.sqlite"
    for at in range(NOW, NOW + 200, 20):
        use_in_file(path, Voucher(audience=BUS, exp=at + 60, jti=f"{at:016d}", policy=RIDE), at)
    with closing(sqlite3.connect(path)) as seen:
        remembered = [jti for (jti,) in seen.execute("SELECT jti FROM seen ORDER BY jti")]
    assert remembered == [f"{NOW + second:016d}" for second in (140, 160, 180)]


def test_gates_that_share_a_file_open_once_whatever_the_race(tmp_path: Path) -> None:
    path = tmp_path / "seen.sqlite"

    def attempt(_: int) -> bool:
        try:
            use_in_file(path, VOUCHER, NOW)
        except VoucherRefused:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(24))) == 1


def test_a_gate_that_lost_its_memory_waits_until_nothing_used_is_valid() -> None:
    used_last_second = Voucher(audience=BUS, exp=NOW + 120, jti="a" * 16, policy=RIDE)
    token = signed(used_last_second, KEY.private_key)
    assert verdict(token, now=NOW + TERMS.replay_window_seconds) == "voucher_expired"
