"""The settings of one instance: a port, and the units behind it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from efpi_core.plugin.config import PluginConfig, setting
from efpi_core.plugin.host_name import require_host_characters
from efpi_driver_sunspec.meter import Direction
from efpi_driver_sunspec.section import Behind
from efpi_driver_sunspec.wire import TIMEOUT_S, Port, SerialPort, TcpPort

LAST_UNIT = 247
"""The highest unit number of Modbus (Modbus over Serial Line 1.02, clause 2.2)."""


MeterRole = Literal["grid", "consumer", "producer", "none"]
"""The part that a meter plays in the house."""


class UnitConfig(PluginConfig):
    """One unit, where its device leaves something open."""

    unit: int = setting(title="Unit", description="The device's Modbus unit number.", ge=0, le=255, example=1)
    name: str = setting(
        "", title="Name", description="What people call it; by default its maker and model.", example="Roof east",
        max_length=80,
    )  # fmt: skip
    base_address: int | None = setting(
        None, title="Base address", example=40000, ge=0, le=65533,
        description="Where its SunSpec registers begin, counted from 0; looked for when empty.",
    )  # fmt: skip
    behind: Behind = setting(
        "auto", title="Behind the inverter", example="both",
        description="Panels, a battery, or both; automatic where the device tells it.",
    )  # fmt: skip
    meter_roles: tuple[MeterRole, ...] = setting(
        ("grid",), title="What its meters measure", example=["grid", "producer"], max_length=8,
        description="The connection to the grid, a consumer, a producer, or none that is to be counted: "
        "one for each meter of the device in order. Meters beyond these are not used.",
    )  # fmt: skip
    meter_direction: Direction = setting(
        Direction.IMPORT_POSITIVE, title="Which way its meter counts", example="import_positive",
        description="What is positive: power drawn, power fed in, or everything reversed by the mounting.",
    )  # fmt: skip
    capacity_wh: float | None = setting(
        None, title="Battery capacity", unit="Wh", example=10000, gt=0, le=1e9,
        description="Usable capacity; read from the device when empty.",
    )  # fmt: skip
    charge_efficiency: float = setting(
        0.95, title="Charging efficiency", example=0.95, gt=0, le=1,
        description="The part of the power drawn that arrives in the battery.",
    )  # fmt: skip
    discharge_efficiency: float = setting(
        0.95, title="Discharging efficiency", example=0.95, gt=0, le=1,
        description="The part of the power taken from the battery that is given out.",
    )  # fmt: skip
    battery_charging_positive: bool = setting(
        False, title="Battery power is positive when charging", example=False,
        description="For batteries that tell their power in model 802 with the sign the other way round.",
    )  # fmt: skip


UnitNumber = Annotated[int, Field(ge=0, le=255)]


class SunSpecConfig(PluginConfig):
    """One port, by TCP or serial line, and the SunSpec units behind it."""

    host: str = setting(
        "", title="Host", description="Name or address of a device that speaks Modbus TCP.", role="host",
        example="192.168.1.20", max_length=253,
    )  # fmt: skip
    port: int = setting(502, title="Port", description="The TCP port.", role="port", example=502, ge=1, le=65535)
    framing: Literal["tcp", "rtu"] = setting(
        "tcp", title="Framing", example="tcp",
        description="Modbus TCP, or RTU frames through a serial server that passes them on as they are.",
    )  # fmt: skip
    serial_port: str = setting(
        "", title="Serial port", description="A serial line with Modbus RTU, in place of a host.", role="serial_port",
        example="/dev/serial/by-id/usb-FTDI_USB-RS485_A1-if00-port0", max_length=255,
    )  # fmt: skip
    baudrate: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] = setting(
        9600, title="Baud rate", description="Speed of the serial line.", unit="Bd", example=9600
    )
    parity: Literal["N", "E", "O"] = setting("N", title="Parity", description="None, even or odd.", example="N")
    stopbits: Literal[1, 2] = setting(1, title="Stop bits", description="Of the serial line.", example=1)
    units: tuple[UnitNumber | UnitConfig, ...] = setting(
        (1,), title="Units", example=[1, {"unit": 2, "name": "Roof east"}], max_length=LAST_UNIT + 1,
        description="The units to use: numbers, or numbers with what their devices leave open.",
    )  # fmt: skip
    scan_first: int | None = setting(
        None, title="Look for units from", example=1, ge=1, le=LAST_UNIT,
        description="First unit number of a range in which further devices are looked for.",
    )  # fmt: skip
    scan_last: int | None = setting(
        None, title="Look for units up to", example=20, ge=1, le=LAST_UNIT,
        description="Last unit number of that range.",
    )  # fmt: skip
    poll_every_s: float = setting(
        2.0, title="Poll interval", description="How often each unit is read.", unit="s", example=2, ge=0.5, le=3600
    )
    timeout_s: float = setting(
        TIMEOUT_S, title="Time-out", description="How long an answer is waited for.", unit="s", example=0.8,
        ge=0.1, le=10,
    )  # fmt: skip
    pause_s: float = setting(
        0.005, title="Pause", description="The least time between two requests.", unit="s", example=0.005, ge=0, le=1
    )
    revert_after_s: int = setting(
        60, title="Reversion time", unit="s", example=60, ge=2, le=3600,
        description="How long a device keeps a limit or setpoint when the gateway has fallen silent.",
    )  # fmt: skip
    control: bool = setting(
        True, title="Control", example=True,
        description="Whether devices may be limited and steered; otherwise they are measured only.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if bool(self.host) == bool(self.serial_port):
            raise ValueError("give either a host or a serial_port, and not both")
        require_host_characters(self.host)
        if self.serial_port and not (self.serial_port.startswith("/") and self.serial_port.isprintable()):
            raise ValueError(f"serial_port {self.serial_port!r} is no path; give one like /dev/ttyUSB0")
        numbers = [unit.unit for unit in self.unit_settings()]
        repeated = sorted({number for number in numbers if numbers.count(number) > 1})
        if repeated:
            raise ValueError(f"units names {', '.join(map(str, repeated))} twice; name each unit once")
        if (self.scan_first is None) != (self.scan_last is None):
            raise ValueError("scan_first and scan_last belong together; give both or neither")
        if self.scan_first is not None and self.scan_last is not None and self.scan_first > self.scan_last:
            raise ValueError(f"scan_first {self.scan_first} lies behind scan_last {self.scan_last}; swap them")
        if not self.units and self.scan_first is None:
            raise ValueError("units is empty; name a unit, or give scan_first and scan_last")
        return self

    def unit_settings(self) -> tuple[UnitConfig, ...]:
        """The units; a bare number is one whose device tells all."""
        return tuple(UnitConfig(unit=unit) if isinstance(unit, int) else unit for unit in self.units)

    def where(self) -> Port:
        """The port to open."""
        if self.host:
            return TcpPort(self.host, self.port, self.framing)
        return SerialPort(self.serial_port, self.baudrate, self.parity, self.stopbits)

    def searched(self) -> range:
        """The unit numbers among which further devices are looked for."""
        if self.scan_first is None or self.scan_last is None:
            return range(0)
        return range(self.scan_first, self.scan_last + 1)
