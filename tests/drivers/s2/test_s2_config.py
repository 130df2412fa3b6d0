"""Settings are refused by name where they cannot be meant, with what to do."""

from typing import Any

import pytest
from efpi_driver_s2.choice import chosen
from efpi_driver_s2.config import PREFERENCE, S2Config
from pydantic import ValidationError

from efi.s2.common import ControlType

TOKEN = {"token": "battery-token"}
URL = {"url": "wss://charger.local:8080/s2"}


def test_the_settings_of_the_page_are_settings() -> None:
    config = S2Config.model_validate(
        {
            "listen": {"host": "0.0.0.0", "port": 8765, "certificate": "/etc/s2.pem", "key": "/etc/s2.key"},
            "devices": [
                {"name": "Battery", **TOKEN, "fill_level_unit": "J", "fill_level_scale": 3600000},
                {"name": "Charger", **URL, "token": "charger-token", "fingerprint": "sha256:" + "ab" * 32},
            ],
        }
    )
    assert config.listen is not None and config.listen.url_at(8765) == "wss://0.0.0.0:8765/s2"
    assert [device.name for device in config.listens_for()] == ["Battery"]
    assert config.control == PREFERENCE


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({}, "no device can come in"),
        ({"devices": [TOKEN]}, "no device can come in"),
        ({"listen": {}}, "nobody can connect"),
        ({"listen": {"host": "0.0.0.0", "without_token": True}}, "lets in whoever reaches"),
        ({"listen": {"certificate": "/a"}, "devices": [TOKEN]}, "belong together"),
        ({"listen": {"host": "a b"}, "devices": [TOKEN]}, "no name or address"),
        ({"listen": {"path": "s2"}, "devices": [TOKEN]}, "pattern"),
        ({"listen": {}, "devices": [{}]}, "nothing tells which device"),
        ({"listen": {}, "devices": [TOKEN, TOKEN]}, "two devices have the token"),
        ({"devices": [URL, URL]}, "two devices have the url"),
        ({"listen": {}, "devices": [{**TOKEN, "certificate": "/a"}]}, "of the device at a url"),
        ({"devices": [{"url": "https://charger.local/"}]}, "none of a WebSocket"),
        ({"devices": [{"url": "ws:///s2"}]}, "none of a WebSocket"),
        ({"devices": [{"url": "ws://a:b@charger.local/"}]}, "holds a password"),
        ({"devices": [{"url": "ws://charger.local/", "certificate": "/a"}]}, "not encrypted"),
        ({"devices": [{**URL, "certificate": "/a", "fingerprint": "ab" * 32}]}, "not both"),
        ({"devices": [{**URL, "fingerprint": "ab"}]}, "64 hexadecimal"),
        ({"devices": [{**URL, "control": ["measure", "measure"]}]}, "names one twice"),
        ({"devices": [{**URL, "resource_id": "a b"}]}, "pattern"),
        ({"devices": [{**URL, "fill_level_scale": 0}]}, "greater than 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        S2Config.model_validate(settings)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_this_machine_devices_may_come_without_a_token(host: str) -> None:
    config = S2Config.model_validate({"listen": {"host": host, "without_token": True}})
    assert config.listen is not None and config.listen.on_loopback


def test_the_most_telling_control_type_is_chosen_unless_the_settings_prefer_another() -> None:
    offered = (
        ControlType.NOT_CONTROLABLE, ControlType.OPERATION_MODE_BASED_CONTROL, ControlType.FILL_RATE_BASED_CONTROL,
    )  # fmt: skip
    assert chosen(offered, (), PREFERENCE) is ControlType.FILL_RATE_BASED_CONTROL
    assert chosen(offered, ("operation_mode",), PREFERENCE) is ControlType.OPERATION_MODE_BASED_CONTROL
    assert chosen(offered, (), ("power_envelope", "measure")) is ControlType.NOT_CONTROLABLE
    assert chosen(offered, ("power_envelope",), ()) is ControlType.FILL_RATE_BASED_CONTROL
    assert chosen((ControlType.NO_SELECTION,), (), PREFERENCE) is None
