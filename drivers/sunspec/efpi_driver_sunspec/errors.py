"""What can go wrong between the gateway and a SunSpec device, each with its cure.

All are worth another try later: lines get noisy, devices restart, installers correct their settings.
"""

from typing import ClassVar

from efpi_core.errors import TryAgainError


class SunSpecError(TryAgainError):
    """The root: anything a SunSpec device or its port did that the driver could not use."""

    detail: ClassVar[str]
    """The condition that it means, as a stable word."""


class PortUnavailableError(SunSpecError):
    """The port cannot be opened or was lost; the bus tries again after `retry_in_s`.

    `port` is the address as configured, `reason` what the operating system said.
    """

    detail = "no_port"

    def __init__(self, port: str, reason: str, cure: str, retry_in_s: float = 0.0) -> None:
        super().__init__(f"port {port} is not available: {reason}", cure)
        self.port = port
        self.reason = reason
        self.retry_in_s = retry_in_s


class UnitSilentError(SunSpecError):
    """A unit did not answer within the time-out, or a gateway said so for it (Modbus exceptions 10 and 11)."""

    detail = "no_answer"

    def __init__(self, unit: int, after_s: float) -> None:
        super().__init__(
            f"unit {unit} did not answer within {after_s:g} s",
            "check that it is powered, wired and set to this unit number",
        )
        self.unit = unit
        self.after_s = after_s


class UnitGarbledError(SunSpecError):
    """Bytes came, but they are no valid answer of this unit to this request."""

    detail = "garbled"

    def __init__(self, unit: int, what: str) -> None:
        super().__init__(
            f"unit {unit} answered nonsense: {what}",
            "check that no other master uses the line, and its framing, speed and termination",
        )
        self.unit = unit
        self.what = what


EXCEPTION_NAMES = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge",
    6: "device busy",
    7: "negative acknowledge",
    8: "memory parity error",
}
"""Modbus Application Protocol 1.1b3, clause 7."""

ABSENT_ADDRESS = frozenset({2, 3})
"""Exceptions by which devices say that a register does not exist: the standard has 2, some makers use 3."""


class UnitRefusedError(SunSpecError):
    """The unit answered with a Modbus exception."""

    detail = "refused"

    def __init__(self, unit: int, code: int, request: str) -> None:
        name = EXCEPTION_NAMES.get(code, "unknown exception")
        super().__init__(
            f"unit {unit} refused to {request}: {name} ({code})",
            "allow control by Modbus in the device's settings, or update its firmware",
        )
        self.unit = unit
        self.code = code
        self.request = request

    @property
    def says_absent(self) -> bool:
        """Whether the refusal can mean that the registers do not exist."""
        return self.code in ABSENT_ADDRESS


class NotSunSpecError(SunSpecError):
    """The unit answers, but no base address holds the marker `SunS`."""

    detail = "no_sunspec"

    def __init__(self, unit: int, tried: tuple[int, ...]) -> None:
        super().__init__(
            f"unit {unit} answers but shows no SunSpec marker at {', '.join(map(str, tried))}",
            "switch SunSpec on in the device's settings, or give its base_address",
        )
        self.unit = unit
        self.tried = tried


class ChainChangedError(SunSpecError):
    """The device's models are not where they were: a firmware update or another device; it is scanned anew."""

    detail = "chain_changed"

    def __init__(self, unit: int, address: int, expected: str, found: str) -> None:
        super().__init__(
            f"unit {unit} holds {found} at {address} where {expected} was",
            "nothing to do: its models are looked up anew",
        )
        self.unit = unit
        self.address = address


class ValueRangeError(SunSpecError):
    """A value does not fit the register it is meant for."""

    detail = "not_following"

    def __init__(self, point: str, value: float, low: float, high: float) -> None:
        super().__init__(
            f"{point} = {value:g} does not fit its register, which holds {low:g} to {high:g}",
            "ask for a value in that range",
        )
        self.point = point
        self.value = value


class NotProvenError(SunSpecError):
    """A setting was written and acknowledged, but reads back differently: the device did not take it."""

    detail = "not_following"

    def __init__(self, unit: int, model: int, point: str, wanted: str, found: str) -> None:
        super().__init__(
            f"unit {unit} acknowledged {point} = {wanted} of model {model} but holds {found}",
            "allow control by Modbus in the device's settings",
        )
        self.unit = unit
        self.model = model
        self.point = point
