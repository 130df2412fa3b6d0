"""The settings of a bridge: what contradicts itself is refused with its cure."""

from typing import Any

import pytest
from efpi_app_s2_bridge.settings import FillLevelConfig, S2BridgeConfig
from pydantic import ValidationError

from efpi_core.gateway.planning import secret_names


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "give the energy manager's `url`, or `listen`, or `connect`"),
        ({"url": "ws://cem.example/", "listen": {}}, "give the energy manager's `url`, or `listen`, or `connect`"),
        ({"url": "https://cem.example/"}, "write it like wss://"),
        ({"url": "wss:///path"}, "write it like wss://"),
        ({"url": "wss://me@cem.example/"}, "give the token as a secret"),
        ({"url": "wss://cem.example/#here"}, "leave it out"),
        ({"url": "wss://cem.example/{device}"}, "{device}, which stands for nothing"),
        ({"url": "wss://cem.example/{appliance"}, "{appliance, which stands for nothing"),
        ({"url": "wss://cem.example:port/"}, "look at its host and port"),
        ({"url": "ws://cem.example/", "certificate": "/etc/cem.pem"}, "write wss:// or leave that out"),
        ({"url": "wss://cem.example/", "fingerprint": "00"}, "64 hexadecimal digits"),
        ({"url": "wss://cem.example/", "fingerprint": "00" * 32, "certificate": "/etc/cem.pem"}, "not both"),
        ({"listen": {}}, "nobody can call"),
        ({"listen": {"without_token": True}, "fingerprint": "00" * 32}, "leave them out"),
        ({"listen": {"certificate": "/etc/efpi/bridge.pem"}, "token": "all"}, "give both or neither"),
        ({"listen": {"host": "0.0.0.0", "without_token": True}}, "lets in whoever reaches 0.0.0.0"),
        ({"listen": {"host": "a b"}, "token": "all"}, "no name or address"),
        ({"url": "ws://cem/", "fill_levels": {"battery": {"unit": "MWh", "per_unit": 0}}}, "greater than 0"),
        ({"url": "ws://cem/", "appliances": ["a battery"]}, "pattern"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(settings: dict[str, Any], words: str):
    with pytest.raises(ValidationError) as refused:
        S2BridgeConfig(**settings)
    assert words in str(refused.value)


def test_the_address_holds_the_name_of_the_appliance():
    config = S2BridgeConfig(url="wss://cem.example/s2/{appliance}/rm?of={appliance}")
    assert config.url_of("car-left") == "wss://cem.example/s2/car-left/rm?of=car-left"


def test_an_appliance_may_have_a_token_of_its_own():
    config = S2BridgeConfig(url="wss://cem.example/", token="all", tokens={"battery": "own"})
    assert config.token_of("battery") == "own"
    assert config.token_of("car") == "all"


def test_every_token_is_a_secret_of_the_gateway():
    settings = {"url": "wss://cem.example/", "token": "all", "tokens": {"battery": "own"}}
    assert set(secret_names(settings, S2BridgeConfig.model_json_schema())) == {"all", "own"}


def test_all_appliances_are_offered_unless_some_are_named():
    assert S2BridgeConfig(url="ws://cem/").offers("battery")
    assert S2BridgeConfig(url="ws://cem/", appliances=("battery",)).offers("battery")
    assert not S2BridgeConfig(url="ws://cem/", appliances=("battery",)).offers("car")


def test_units_of_energy_are_converted_and_for_others_the_scale_is_asked():
    assert FillLevelConfig(unit="MWh").scale("kWh") == pytest.approx(0.001)
    assert FillLevelConfig(unit="Wh").scale("J") == pytest.approx(1 / 3600)
    assert FillLevelConfig(unit="MWh").scale("%") is None
    assert FillLevelConfig(unit="MWh", per_unit=0.0001).scale("%") == 0.0001
    assert FillLevelConfig(unit="MWh", per_unit=0.5).scale("kWh") == 0.5, "what a person says counts"
