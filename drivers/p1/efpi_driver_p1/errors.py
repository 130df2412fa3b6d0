"""What can go wrong between the meter and us, each fault under one name and with its cure."""

from enum import StrEnum

from efpi_core.errors import EfpiError, TryAgainError


class Fault(StrEnum):
    """The name of what is wrong with a piece of the byte stream."""

    CUT_START = "cut_start"
    """The stream begins inside a telegram; nearly every capture does."""
    CUT = "cut"
    """A telegram stops before its closing `!`, or its first line is lost."""
    WRONG_CRC = "wrong_crc"
    """The bytes are not those that the meter sent."""
    MISSING_CRC = "missing_crc"
    """A meter of a version that always sends a CRC sent none: the end of the telegram was cut."""
    TOO_LONG = "too_long"
    """No closing `!` within the longest telegram that any standard allows."""
    DAMAGED = "damaged"
    """A telegram without CRC holds a line that cannot be read, so no line of it can be trusted."""
    INTERLEAVED = "interleaved"
    """A telegram without CRC says one value twice and differently: two telegrams ran into each other."""
    EMPTY = "empty"
    """A telegram without any data line."""
    NOISE = "noise"
    """Bytes between telegrams that belong to none."""
    WRONG_LINE_SETTINGS = "wrong_line_settings"
    """Bytes as they arrive with the wrong speed, the wrong parity or a signal that is not inverted."""
    ENCRYPTED = "encrypted"
    """Telegrams encrypted with a key of the grid operator (Luxembourg, Austria)."""
    NOT_P1 = "not_p1"
    """A meter's other protocol: HDLC, M-Bus or SML."""


CURES: dict[Fault, str] = {
    Fault.CUT_START: "nothing to do: the next telegram is read whole",
    Fault.CUT: "nothing to do if it happens once; if often, shorten the cable and close other programs on the port",
    Fault.WRONG_CRC: "nothing to do if it happens once; if often, check cable, plug and the adapter's power supply",
    Fault.MISSING_CRC: "take the capture again and let the last line (`!` and four digits) arrive whole",
    Fault.TOO_LONG: "check that the other end is a P1 port and that line ends are not lost",
    Fault.DAMAGED: "if it happens often, check cable, plug and that the port is set to 9600 7E1",
    Fault.INTERLEAVED: "connect one meter a port, and let only one program read the port",
    Fault.EMPTY: "switch the data request line on, and ask the grid operator whether the P1 port is released",
    Fault.NOISE: "nothing to do if it is short; else check cable, plug and line settings",
    Fault.WRONG_LINE_SETTINGS: "set 115200 8N1 (DSMR 4 and later) or 9600 7E1 (DSMR 3 and earlier), or `auto`, "
    "and use a P1 cable, which inverts the signal",
    Fault.ENCRYPTED: "ask the grid operator to switch the encryption off, or for the key and put a P1 adapter that "
    "decrypts between meter and gateway (its plain telegrams are read at socket://host:port)",
    Fault.NOT_P1: "connect the meter's P1 port, or use a driver for this protocol",
}
"""What the person at the meter can do about each fault."""


class TelegramError(EfpiError):
    """A piece of the byte stream that is no good telegram."""

    def __init__(self, fault: Fault, offset: int, length: int, detail: str, header: str = "") -> None:
        super().__init__(f"{fault} at byte {offset} ({length} bytes): {detail}", CURES[fault])
        self.fault = fault
        """Its name."""
        self.offset = offset
        """Where the piece begins, in bytes from the start of the stream."""
        self.length = length
        """How many bytes the piece has."""
        self.detail = detail
        """What was found, with the offending value."""
        self.header = header
        """The identification of the telegram, when one was read."""


class PortFault(StrEnum):
    """The name of what is wrong with the way to the meter."""

    MISSING = "port_missing"
    """There is no such port or file."""
    NO_RIGHTS = "port_no_rights"
    """The gateway may not open it."""
    BUSY = "port_busy"
    """Another program has it open."""
    NOT_SERIAL = "port_not_serial"
    """It is no serial port, or refuses the line settings."""
    UNPLUGGED = "port_unplugged"
    """It was there and is gone."""
    UNKNOWN_HOST = "host_unknown"
    """No address belongs to the host's name."""
    UNREACHABLE = "host_unreachable"
    """The other end of the network does not answer, or refuses."""
    CLOSED = "connection_closed"
    """The other end of the network ended the connection."""
    SILENT = "silent"
    """The port is open, and no byte comes."""
    NO_TELEGRAMS = "no_telegrams"
    """Bytes come, and none of them is a telegram with these line settings."""
    FAILED = "port_failed"
    """Anything else that the system says."""


class PortError(TryAgainError):
    """The way to the meter is not open, now."""

    def __init__(self, fault: PortFault, port: str, detail: str, cure: str) -> None:
        super().__init__(f"{port}: {detail}", cure)
        self.fault = fault
        """Its name."""
        self.port = port
        """The port as the settings name it."""
        self.detail = detail
        """What was found."""
