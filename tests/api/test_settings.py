"""Settings are checked once, at the start, and a refusal says what would be right."""

from pathlib import Path

import pytest

from api.settings import SettingRefused, settings_from, snapshot_key_of

KEY = "ab" * 32


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "snapshot.key").write_text(KEY + "\n")
    (tmp_path / "keys" / "api_signing.pem").write_text("read when the service is made")
    return {
        "CHENGXIN_DATA_DIR": str(tmp_path),
        "CHENGXIN_ISSUER": "https://identity.example",
        "CHENGXIN_JWKS_URI": "http://127.0.0.1:9000/jwks",
    }


def test_a_data_directory_and_a_provider_are_enough(environment: dict[str, str]) -> None:
    settings = settings_from(environment)
    data = environment["CHENGXIN_DATA_DIR"]
    assert settings.store_url == f"unix://{data}/store/valkey.sock"
    assert settings.ledger_url == f"sqlite:///{data}/ledger/ledger.sqlite"
    assert settings.audience == "https://chengxin.example/api"
    assert settings.site_dir is None
    assert snapshot_key_of(settings) == bytes.fromhex(KEY)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATA_DIR", "/does/not/exist"),
        ("DATA_DIR", ""),
        ("STORE_URL", "valkey.sock"),
        ("STORE_URL", "unix://relative.sock"),
        ("STORE_URL", "http://127.0.0.1"),
        ("LEDGER_URL", "postgres://127.0.0.1/x"),
        ("LEDGER_URL", "sqlite:///"),
        ("SNAPSHOT_KEY_FILE", "/does/not/exist"),
        ("ISSUER", "identity.example"),
        ("ISSUER", "http://identity.example"),
        ("ISSUER", "https://user@identity.example"),
        ("JWKS_URI", "file:///keys.json"),
        ("JWKS_URI", "http://10.0.0.1/jwks"),
        ("JWKS_URI", "https://x.example/#part"),
        ("AUDIENCE", ""),
        ("SITE_DIR", "/does/not/exist"),
        ("JWKS_REFRESH_SECONDS", "0"),
        ("JWKS_REFRESH_SECONDS", "3601"),
        ("TOKEN_LEEWAY_SECONDS", "31"),
        ("TOKEN_LEEWAY_SECONDS", "1e1"),
        ("TOKEN_CACHE_ENTRIES", "-1"),
        ("BODY_LIMIT_BYTES", "64K"),
        ("BODY_LIMIT_BYTES", "٣٠٠٠"),
        ("PUBLIC_MAX_AGE_SECONDS", ""),
    ],
)
def test_a_bad_value_is_refused_with_variable_value_and_range(
    environment: dict[str, str], name: str, value: str
) -> None:
    variable = f"CHENGXIN_{name}"
    with pytest.raises(SettingRefused) as refused:
        settings_from({**environment, variable: value})
    assert refused.value.variable == variable
    assert repr(value) in str(refused.value)
    assert refused.value.allowed in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("LEDGER_URL", "postgres://ledger:hunter2@db/city", "postgres://ledger:***@db/city"),
        ("LEDGER_URL", "pg://db/city?password=hunter2&a=b", "pg://db/city?password=***&a=b"),
        ("STORE_URL", "valkey://:hun@ter2@store", "valkey://:***@store"),
        ("JWKS_URI", "https://me:hunter2@city.example/", "https://me:***@city.example/"),
    ],
)
def test_a_refused_address_is_shown_without_its_password(
    environment: dict[str, str], name: str, value: str, shown: str
) -> None:
    """The refusal ends up in the service's log."""
    with pytest.raises(SettingRefused) as refused:
        settings_from({**environment, f"CHENGXIN_{name}": value})
    assert repr(shown) in str(refused.value)
    assert "ter2" not in str(refused.value)


@pytest.mark.parametrize("name", ["ISSUER", "JWKS_URI"])
def test_what_has_no_default_must_be_set(environment: dict[str, str], name: str) -> None:
    del environment[f"CHENGXIN_{name}"]
    with pytest.raises(SettingRefused, match=f"CHENGXIN_{name} is not set"):
        settings_from(environment)


@pytest.mark.parametrize("content", ["", "ab" * 31, "ab" * 33, "zz" * 32, "ab " * 21 + "a"])
def test_a_broken_snapshot_key_is_refused_without_being_shown(
    environment: dict[str, str], content: str
) -> None:
    settings = settings_from(environment)
    settings.snapshot_key_file.write_text(content)
    with pytest.raises(SettingRefused) as refused:
        snapshot_key_of(settings)
    assert not content or content not in str(refused.value)
