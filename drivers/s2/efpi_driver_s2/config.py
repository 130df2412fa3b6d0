"""The settings of one instance: where devices come in, which are called on, and what is known of each."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import ValidationInfo, field_validator, model_validator

from efi.commodity import Phase
from efi.registration import DeviceClass
from efi.s2.mapping.settings import DeviceSettings
from efpi_core.plugin.config import PluginConfig, SecretName, setting
from efpi_core.plugin.host_name import require_host_characters
from efpi_core.s2.connect.settings import ConnectConfig
from efpi_core.s2.listening import on_loopback, url_at
from efpi_core.s2.tls import parse_fingerprint

ControlWord = Literal["fill_rate", "demand_driven", "operation_mode", "power_profile", "power_envelope", "measure"]
"""A way to control a device: S2's FRBC, DDBC, OMBC, PPBC, PEBC, and NOT_CONTROLABLE."""

PREFERENCE: tuple[ControlWord, ...] = (
    "fill_rate", "demand_driven", "operation_mode", "power_profile", "power_envelope", "measure",
)  # fmt: skip
"""The most telling first: a fill level or a demand says more than modes, and modes more than bounds."""

CONTROL = "How a device is controlled that offers several ways, the best first; what is not named comes last."


class ListenConfig(PluginConfig):
    """A WebSocket server to which devices connect."""

    host: str = setting(
        "127.0.0.1", title="Address", role="host", example="0.0.0.0", max_length=253,  # noqa: S104  # an example
        description="This machine's address at which to listen; by default only programs on this machine reach it.",
    )  # fmt: skip
    port: int = setting(8765, title="Port", description="The TCP port.", role="port", example=8765, ge=0, le=65535)
    path: str = setting(
        "/s2", title="Path", description="The path of the URL.", example="/s2", pattern=r"^/[A-Za-z0-9_.~/-]{0,100}$"
    )
    certificate: str = setting(
        "", title="Certificate", role="file", example="/etc/efpi/s2.pem", max_length=1000,
        description="The server's certificate as a PEM file; with it links are encrypted (wss).",
    )  # fmt: skip
    key: str = setting(
        "", title="Key", role="file", example="/etc/efpi/s2.key", max_length=1000,
        description="The certificate's private key as a PEM file.",
    )  # fmt: skip
    without_token: bool = setting(
        False, title="Let in without a token", example=False,
        description="Whether devices may connect that show no token; on this machine's own address only.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.host:
            raise ValueError("host is empty; give 127.0.0.1, or 0.0.0.0 for all of this machine's addresses")
        require_host_characters(self.host)
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key belong together; give both or neither")
        if self.without_token and not self.on_loopback:
            raise ValueError(
                f"without_token lets in whoever reaches {self.host}; listen at 127.0.0.1, or give each device a token"
            )
        return self

    @property
    def on_loopback(self) -> bool:
        """Whether nobody but this machine reaches it."""
        return on_loopback(self.host)

    def url_at(self, port: int) -> str:
        """Where devices connect, for people."""
        return url_at(self.host, port, self.path, encrypted=bool(self.certificate))


class DeviceConfig(PluginConfig):
    """What is known of one device: how it comes in, and what S2 leaves open."""

    name: str = setting(
        "", title="Name", description="What people call it; by default what the device calls itself.",
        example="Battery in the cellar", max_length=80,
    )  # fmt: skip
    token: SecretName | None = setting(
        None, title="Token", example="battery-token",
        description="The name of the secret with the bearer token that the device shows, or that is shown to it.",
    )  # fmt: skip
    resource_id: str = setting(
        "", title="Resource id", example="6f9619ff-8b86-4d01-b42d-00cf4fc964ff", max_length=64,
        pattern=r"^[A-Za-z0-9_:-]{0,64}$",
        description="The id by which the device names itself; for one that shares its token or address with others.",
    )  # fmt: skip
    url: str = setting(
        "", title="URL", example="wss://charger.local:8080/s2", max_length=500,
        description="Where to call on a device that is a server itself.",
    )  # fmt: skip
    certificate: str = setting(
        "", title="Trusted certificate", role="file", example="/etc/efpi/charger.pem", max_length=1000,
        description="PEM file with the certificate of the device at the URL, or of who vouches for it.",
    )  # fmt: skip
    fingerprint: str = setting(
        "", title="Fingerprint", max_length=110,
        example="sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        description="The SHA-256 of the certificate of the device at the URL, in place of the file.",
    )  # fmt: skip
    control: tuple[ControlWord, ...] = setting(
        (), title="Control", example=["fill_rate"], max_length=len(PREFERENCE), description=CONTROL
    )
    device_class: DeviceClass = setting(
        DeviceClass.MISCELLANEOUS, title="Kind", example="stationary_battery",
        description="The kind of appliance, which S2 does not tell.",
    )  # fmt: skip
    fill_level_unit: str = setting(
        "", title="Unit of the fill level", example="J", max_length=16,
        description="S2 tells no unit but a label for people; by default that label.",
    )  # fmt: skip
    fill_level_scale: float = setting(
        1.0, title="Scale of the fill level", example=3600000, gt=0, le=1e15,
        description="How many of these units one unit of the device's is: 3600000 from kWh to J.",
    )  # fmt: skip
    demand_unit: str = setting(
        "W", title="Unit of the demand", example="W", max_length=16,
        description="In which a demand-driven device tells its demand, which S2 does not say.",
    )  # fmt: skip
    phases: tuple[Phase, ...] = setting(
        (), title="Phases", example=["l2"], max_length=3,
        description="The phases it is connected to; a device on one phase calls it L1, whichever it is.",
    )  # fmt: skip

    @field_validator("fingerprint")
    @classmethod
    def _is_fingerprint(cls, value: str) -> str:
        if value:
            parse_fingerprint(value)
        return value

    @field_validator("control", "phases")
    @classmethod
    def _each_once(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise ValueError(f"{info.field_name} names one twice; name each once")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not (self.token or self.resource_id or self.url):
            raise ValueError("nothing tells which device it is; give its token, its resource_id or its url")
        if self.url:
            self._check_url()
        elif self.certificate or self.fingerprint:
            raise ValueError("certificate and fingerprint are of the device at a url; give one, or leave them out")
        return self

    def known(self) -> DeviceSettings:
        """What S2 leaves open and is known here."""
        return DeviceSettings(
            name=self.name, device_class=self.device_class, phases=self.phases,
            fill_level_unit=self.fill_level_unit or None, fill_level_scale=self.fill_level_scale,
            demand_unit=self.demand_unit,
        )  # fmt: skip

    def _check_url(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"ws", "wss"} or not parts.hostname:
            raise ValueError("url is none of a WebSocket; write it like wss://charger.local:8080/s2")
        if parts.username or parts.password:
            raise ValueError("url holds a password; give the token as a secret instead")
        if parts.scheme == "ws" and (self.certificate or self.fingerprint):
            raise ValueError(
                "url is not encrypted, so nothing can be verified; write wss:// or leave the certificate out"
            )
        if self.certificate and self.fingerprint:
            raise ValueError("give the certificate or its fingerprint, not both")


class S2Config(PluginConfig):
    """Where devices come in, which are called on, and what is known of each."""

    listen: ListenConfig | None = setting(
        None, title="Server", description="Where devices connect; leave it out when all devices are called on by URL."
    )
    connect: ConnectConfig | None = setting(
        None, title="S2 Connect",
        description="Pair with devices by a code: `efpi operation INSTANCE pair` or `pairing_code`.",
    )  # fmt: skip
    devices: tuple[DeviceConfig, ...] = setting(
        (), title="Devices", description="The devices that may connect or are called on, and what S2 leaves open.",
        example=[{"name": "Battery", "token": "battery-token"}], max_length=1000,
    )  # fmt: skip
    control: tuple[ControlWord, ...] = setting(
        PREFERENCE, title="Control", example=["fill_rate", "operation_mode"], max_length=len(PREFERENCE),
        description=CONTROL,
    )  # fmt: skip
    most_devices: int = setting(
        50,
        title="Most devices",
        description="So many different devices are taken in at most.",
        example=50,
        ge=1,
        le=1000,
    )
    answer_within_s: float = setting(
        30.0, title="Time for an answer", unit="s", example=30, ge=1, le=3600,
        description="How long a device may take to say whether it follows an instruction, beside its own delay.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.listen is None and self.connect is None and not any(device.url for device in self.devices):
            raise ValueError("no device can come in; give `listen`, `connect`, or a device with a `url`")
        for what in ("token", "resource_id", "url"):
            named = [value for device in self.devices if (value := getattr(device, what))]
            if repeated := sorted({value for value in named if named.count(value) > 1}):
                raise ValueError(f"two devices have the {what} {repeated[0]!r}; each needs its own")
        if self.listen is not None and not self.listen.without_token and not self.listens_for():
            raise ValueError("nobody can connect: give devices a `token`, or set `without_token` on this machine")
        return self

    def listens_for(self) -> tuple[DeviceConfig, ...]:
        """The devices that connect by a token of their own."""
        return tuple(device for device in self.devices if device.token and not device.url)
