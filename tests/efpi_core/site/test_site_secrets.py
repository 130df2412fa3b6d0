"""Secrets: where they lie, who may read them, and where they never appear."""

import base64
import json
import os
import stat
from pathlib import Path
from urllib.parse import quote

import pytest

from efpi_core.errors import RefusedError, SettingsError, TryAgainError
from efpi_core.plugin.config import PluginConfig, SecretName, setting
from efpi_core.site.redaction import MASK, Masking, Redactor, redact_settings
from efpi_core.site.secrets import LONGEST_SECRET, SecretStore


@pytest.fixture
def store(tmp_path: Path) -> SecretStore:
    return SecretStore(tmp_path / "home")


def test_a_secret_is_kept_listed_and_forgotten(store: SecretStore) -> None:
    assert store.names() == () and store.values() == {} and store.get("wifi") is None
    store.set("wifi", "pässwörd\n")
    store.set("box", "two")
    store.set("box", "three")
    assert store.names() == ("box", "wifi")
    assert store.get("wifi") == "pässwörd\n"
    assert store.values() == {"box": "three", "wifi": "pässwörd\n"}
    store.remove("wifi")
    assert store.names() == ("box",)
    with pytest.raises(RefusedError, match="no secret 'wifi'"):
        store.remove("wifi")


def test_the_file_is_only_for_its_user_whatever_the_umask(store: SecretStore) -> None:
    before = os.umask(0)
    try:
        store.set("wifi", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    assert [path.name for path in store.path.parent.iterdir()] == ["secrets.json"]


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o666])
def test_a_file_that_others_may_read_or_write_is_refused_with_the_cure(store: SecretStore, mode: int) -> None:
    store.set("wifi", "x")
    store.path.chmod(mode)
    for use in (store.names, store.values, lambda: store.get("wifi"), lambda: store.set("a1", "b")):
        with pytest.raises(SettingsError) as refused:
            use()
        assert f"mode {mode:04o}" in str(refused.value)
        assert f"chmod 600 {store.path}" in refused.value.cure
    store.path.chmod(0o600)
    assert store.get("wifi") == "x"


def test_a_link_is_not_followed(store: SecretStore, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text('{"wifi": "x"}')
    other.chmod(0o600)
    store.path.parent.mkdir()
    store.path.symlink_to(other)
    with pytest.raises(SettingsError, match="may not be a link"):
        store.names()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}', "\xff"])
def test_a_file_that_efpi_did_not_write_is_refused(store: SecretStore, content: str) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(content.encode("latin-1"))
    store.path.chmod(0o600)
    with pytest.raises(SettingsError, match="restore or delete it"):
        store.names()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "x"),
        ("1a", "x"),
        ("a b", "x"),
        ("../a", "x"),
        ("a" * 65, "x"),
        ("ok", ""),
        ("ok", "x" * (LONGEST_SECRET + 1)),
        ("ok", "a\0"),
    ],
)
def test_names_and_values_that_do_not_fit_are_refused(store: SecretStore, name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        store.set(name, value)
    assert value == "x" or value not in str(refused.value) or not value


def test_a_write_that_fails_leaves_the_former_file(store: SecretStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.set("wifi", "old")

    def refuse(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(TryAgainError, match="No space left"):
        store.set("wifi", "new")
    assert store.get("wifi") == "old"
    assert [path.name for path in store.path.parent.iterdir()] == ["secrets.json"]


def test_the_service_managers_credentials_come_first_and_are_read_only(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "wifi").write_text("from systemd\n")
    (credentials / "not a name").write_text("x")
    (credentials / "folder").mkdir()
    SecretStore(tmp_path).set("wifi", "from the file")
    SecretStore(tmp_path).set("box", "two")

    store = SecretStore.of(tmp_path, {"CREDENTIALS_DIRECTORY": str(credentials)})
    assert store.values() == {"wifi": "from systemd", "box": "two"}
    assert store.get("wifi") == "from systemd"
    for change in (lambda: store.set("wifi", "x"), lambda: store.remove("wifi")):
        with pytest.raises(RefusedError, match="service manager"):
            change()
    assert SecretStore.of(tmp_path, {}).get("wifi") == "from the file"


def test_credentials_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="credentials cannot be read"):
        SecretStore(tmp_path, tmp_path / "nowhere").names()


class Line(PluginConfig):
    password: SecretName = setting(title="Password")
    host: str = setting("h", title="Host")


class Box(PluginConfig):
    token: SecretName | None = setting(None, title="Token")
    lines: list[Line] = setting((), title="Lines")
    by_name: dict[str, Line] = setting({}, title="Lines")
    plain: str = setting("", title="Plain")


def test_settings_that_their_schema_calls_secret_are_masked_wherever_they_stand() -> None:
    schema = Box.model_json_schema()
    settings = {
        "token": "oops",
        "lines": [{"password": "p1", "host": "a"}, {"password": None}],
        "by_name": {"x": {"password": "p2"}},
        "plain": "kept",
        "unknown": {"password": "not described"},
    }
    redacted = redact_settings(settings, schema)  # type: ignore[arg-type]  # JSON
    assert redacted == {
        "token": MASK,
        "lines": [{"password": MASK, "host": "a"}, {"password": None}],
        "by_name": {"x": {"password": MASK}},
        "plain": "kept",
        "unknown": {"password": "not described"},
    }
    assert settings["token"] == "oops"  # noqa: S105  # no secret at all


def test_known_values_are_masked_in_text_and_data() -> None:
    redactor = Redactor(["hunter2", "hunter22", "a.b*c(", "ab", ""])
    assert redactor.text("x hunter22 y hunter2 a.b*c( abc") == f"x {MASK} y {MASK} {MASK} abc"
    assert redactor.data({"hunter2": ["hunter2!", 7, None], "a": {"b": "fine"}}) == {
        MASK: [f"{MASK}!", 7, None],
        "a": {"b": "fine"},
    }
    assert Redactor([]).text("hunter2") == "hunter2"


def test_a_schema_that_refers_to_itself_is_no_trap() -> None:
    schema = {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}]}}}
    assert json.dumps(redact_settings({"a": {"b": 1}}, schema)) == '{"a": {"b": 1}}'  # type: ignore[arg-type]  # JSON


@pytest.mark.parametrize(
    ("told", "hidden"),
    [
        ("GET http://anna:s3cr3t-word@meter.local/x failed", "s3cr3t-word"),
        ("mqtt://u:p@ss:w0rd@broker:1883 refused", "p@ss:w0rd"),
        ("Authorization: Basic YW5uYTpzM2NyM3Q=", "YW5uYTpzM2NyM3Q="),
        ("header 'authorization': 'Bearer abcdef.ghijkl-mnop'", "abcdef.ghijkl-mnop"),
    ],
)
def test_credentials_that_nobody_declared_are_masked_in_urls_and_headers(told: str, hidden: str) -> None:
    masked = Redactor([]).text(told)
    assert hidden not in masked
    assert MASK in masked


@pytest.mark.parametrize("told", ["http://meter.local:80/x", "see http://a/b@c", "at 12:30@noon", "basic facts"])
def test_what_is_no_credential_stays(told: str) -> None:
    assert Redactor([]).text(told) == told


def test_a_secret_is_masked_as_programs_write_it() -> None:
    secret = 'it\'s "ä/b"\\ & more'  # noqa: S105
    redactor = Redactor([secret])
    for told in (secret, json.dumps(secret), json.dumps(secret, ensure_ascii=False), repr(secret), quote(secret, "")):
        assert redactor.text(f"<{told}>").strip("<>\"'") == MASK
    assert redactor.text(base64.b64encode(secret.encode()).decode()) == MASK


def test_each_line_of_a_long_secret_is_masked_and_so_is_one_that_was_cut_off() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----"
    redactor = Redactor([key, "a-very-long-password"])
    assert "kqhki" not in redactor.text("read kqhkiG9w0BAQEF")
    cut = "x" * 990 + " a-very-lo"
    assert redactor.text(cut) == "x" * 990 + f" {MASK}"
    assert redactor.text(cut + "…") == "x" * 990 + f" {MASK}…"


def test_a_gateway_masks_former_secrets_too() -> None:
    kept = {"meter": "first-word"}
    masking = Masking(lambda: dict(kept))
    assert masking.text("first-word") == "first-word"
    assert masking.values() == kept
    kept["meter"] = "second-word"
    masking.values()
    assert masking.text("first-word, second-word") == f"{MASK}, {MASK}"
