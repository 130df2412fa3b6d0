"""Planning: which secrets an instance is given, however deep its settings name them."""

import pytest
from pydantic import BaseModel

from efpi_core.gateway.planning import secret_names
from efpi_core.plugin.config import PluginConfig, SecretName


class Login(BaseModel):
    user: str = ""
    password: SecretName | None = None
    next: "Login | None" = None


class Config(PluginConfig):
    token: SecretName | None = None
    login: Login | None = None
    logins: tuple[Login, ...] = ()
    named: dict[str, SecretName] | None = None
    pair: tuple[str, SecretName] | None = None
    plain: str = ""


@pytest.mark.parametrize(
    ("config", "names"),
    [
        ({"token": "a", "plain": "b"}, {"a"}),
        ({"login": {"user": "u", "password": "p"}}, {"p"}),
        ({"logins": [{"password": "p"}, {"password": "q"}]}, {"p", "q"}),
        ({"login": {"next": {"next": {"password": "deep"}}}}, {"deep"}),
        ({"named": {"anna": "x", "ben": "y"}}, {"x", "y"}),
        ({"pair": ["plain", "z"]}, {"z"}),
        ({"plain": "never"}, set()),
        ({}, set()),
    ],
)
def test_secrets_are_found_where_the_settings_name_them(config: dict, names: set[str]) -> None:
    assert set(secret_names(config, Config.model_json_schema())) == names


def test_a_schema_that_runs_in_circles_is_followed_once() -> None:
    schema = {"$ref": "#/$defs/A", "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}, {"secret": True}]}}}
    assert set(secret_names({"x": "y"}, schema)) == set()
    nested = {"properties": {"x": {"$ref": "#/$defs/A"}}, "$defs": schema["$defs"]}
    assert set(secret_names({"x": "y"}, nested)) == {"y"}
