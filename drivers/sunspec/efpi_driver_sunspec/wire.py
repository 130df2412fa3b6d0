"""One connection to a port, over pymodbus: requests out, registers or a named error back.

pymodbus has several channels for errors (an answer object, two kinds of exceptions, a False from connect); here they
become the few of `errors.py`. Its own repetition and reconnection are off: the bus does both, with all units in mind.
Its transaction manager is used directly, since the client classes around it cost a process another megabyte.
"""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pymodbus.exceptions import ConnectionException, ModbusException, ModbusIOException
from pymodbus.framer import FRAMER_NAME_TO_CLASS, FramerType
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, WriteMultipleRegistersRequest
from pymodbus.transaction import TransactionManager
from pymodbus.transport import CommParams, CommType

from efpi_driver_sunspec.errors import (
    PortUnavailableError,
    SunSpecError,
    UnitGarbledError,
    UnitRefusedError,
    UnitSilentError,
)

TIMEOUT_S = 0.8
"""How long a connection and an answer are waited for."""

GATEWAY_EXCEPTIONS = frozenset({10, 11})
"""A gateway says that the unit behind it did not answer (Modbus Application Protocol 1.1b3, clause 7)."""

MBAP_HEADER = 7
NEVER = 1 << 30


@dataclass(frozen=True, slots=True)
class TcpPort:
    """A host that speaks Modbus TCP, or a serial server that passes RTU frames through."""

    host: str
    port: int = 502
    framing: Literal["tcp", "rtu"] = "tcp"

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SerialPort:
    """A serial line with Modbus RTU."""

    path: str
    baudrate: int = 9600
    parity: Literal["N", "E", "O"] = "N"
    stopbits: Literal[1, 2] = 1

    def __str__(self) -> str:
        return self.path


Port = TcpPort | SerialPort


class Wire:
    """An open connection; it carries one request at a time, which the caller sees to."""

    def __init__(self, port: Port, timeout_s: float = TIMEOUT_S) -> None:
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # what it would say is in our errors, once
        self._port = port
        self._timeout_s = timeout_s
        self._heard = b""
        framer = FramerType.SOCKET if isinstance(port, TcpPort) and port.framing == "tcp" else FramerType.RTU
        decoder = FRAMER_NAME_TO_CLASS[framer](DecodePDU(False))
        self._modbus = _Exchange(_parameters(port, timeout_s), decoder, 0, False, self._listen, None, None)
        self._modbus.max_until_disconnect = NEVER

    @property
    def is_open(self) -> bool:
        """Whether the connection stands, as far as can be known without asking."""
        return self._modbus.is_active()

    async def open(self) -> None:
        """Connect, or raise `PortUnavailableError` with the system's reason."""
        if isinstance(self._port, SerialPort) and find_spec("serial") is None:
            raise PortUnavailableError(str(self._port), "pyserial is not installed", "install the extra `serial`")
        if not await self._modbus.connect():
            reason, cure = await why_not(self._port, self._timeout_s)
            raise PortUnavailableError(str(self._port), reason, cure)

    def close(self) -> None:
        """End the connection; harmless when there is none."""
        self._modbus.close()

    async def read(self, unit: int, address: int, count: int) -> tuple[int, ...]:
        """`count` holding registers from `address`, at most 125."""
        request = ReadHoldingRegistersRequest(address=address, count=count, dev_id=unit)
        answer = await self._ask(request, f"read {count} registers from {address}")
        if len(answer.registers) != count:
            raise UnitGarbledError(unit, f"{len(answer.registers)} registers where {count} were asked for")
        return tuple(answer.registers)

    async def write(self, unit: int, address: int, values: Sequence[int]) -> None:
        """Write holding registers by function 16, at most 123."""
        request = WriteMultipleRegistersRequest(address=address, registers=list(values), dev_id=unit)
        answer = await self._ask(request, f"write {len(values)} registers from {address}")
        if answer.address != address or answer.count != len(values):
            raise UnitGarbledError(
                unit, f"it confirms {answer.count} registers at {answer.address}, not what was written"
            )

    async def _ask(self, request: ModbusPDU, words: str) -> ModbusPDU:
        unit = request.dev_id
        self._heard = b""
        try:
            answer: ModbusPDU = await self._modbus.execute(False, request)
        except ConnectionException as error:
            raise self._lost() from error
        except ModbusIOException as error:
            raise self._no_answer(unit) from error
        if answer.function_code == request.function_code:
            return answer
        if not answer.isError():
            raise UnitGarbledError(unit, f"function {answer.function_code} in answer to {request.function_code}")
        if answer.exception_code in GATEWAY_EXCEPTIONS:
            raise UnitSilentError(unit, self._timeout_s)
        raise UnitRefusedError(unit, answer.exception_code, words)

    def _lost(self) -> PortUnavailableError:
        return PortUnavailableError(
            str(self._port), "the connection was lost", "the device may be restarting; it is tried again"
        )

    def _no_answer(self, unit: int) -> SunSpecError:
        if not self._modbus.is_active():
            return self._lost()
        if not self._heard:
            return UnitSilentError(unit, self._timeout_s)
        return UnitGarbledError(unit, _nonsense(self._port, unit, self._heard))

    def _listen(self, sending: bool, data: bytes) -> bytes:
        """Remember what comes in, and keep from pymodbus what would make it drop the connection."""
        if sending:
            return data
        self._heard = data[:264]
        return data if isinstance(self._port, SerialPort) or self._port.framing == "rtu" or _sound(data) else b""


class _Exchange(TransactionManager):
    """pymodbus's transactions; an answer that it cannot decode is dropped, and ends nobody's connection."""

    def callback_data(self, data: bytes, addr: tuple[str, int] | None = None) -> int:
        """Take what came; returns how much of it is used up."""
        try:
            return super().callback_data(data, addr)
        except (ModbusException, ValueError, IndexError, struct.error):
            return len(data)


def _parameters(port: Port, timeout_s: float) -> CommParams:
    if isinstance(port, TcpPort):
        return CommParams(
            comm_type=CommType.TCP, host=port.host, port=port.port, reconnect_delay=0.0, timeout_connect=timeout_s
        )
    return CommParams(
        comm_type=CommType.SERIAL,
        host=port.path,
        baudrate=port.baudrate,
        bytesize=8,
        parity=port.parity,
        stopbits=port.stopbits,
        reconnect_delay=0.0,
        timeout_connect=timeout_s,
    )


def _sound(data: bytes) -> bool:
    """Whether received bytes can begin a Modbus TCP answer to a request of this driver."""
    if len(data) <= MBAP_HEADER + 1:
        return data[2:4] in (b"", b"\0", b"\0\0")
    length, function, first = int.from_bytes(data[4:6], "big"), data[MBAP_HEADER], data[MBAP_HEADER + 1]
    if data[2:4] != b"\0\0":
        return False
    if function & 0x80:
        return length >= 3
    body = {3: 3 + first, 16: 6}.get(function)
    return body is not None and length == body and (function != 3 or first % 2 == 0)


def _nonsense(port: Port, unit: int, data: bytes) -> str:
    place = MBAP_HEADER - 1 if isinstance(port, TcpPort) and port.framing == "tcp" else 0
    if len(data) > place + 1 and data[place] != unit and data[place + 1] & 0x7F in (3, 16):
        return f"unit {data[place]} answered in its place"
    return f"{len(data)} bytes that are no answer, beginning with {data[:12].hex(' ')}"


async def why_not(port: Port, timeout_s: float) -> tuple[str, str]:
    """Why a port does not open, and what to do, found by a second attempt that shows the system's own error."""
    if isinstance(port, SerialPort):
        return _why_not_serial(Path(port.path))
    try:
        async with asyncio.timeout(timeout_s):
            _reader, writer = await asyncio.open_connection(port.host, port.port)
    except ConnectionRefusedError:
        return "connection refused", "switch Modbus TCP on in the device's settings and check the port number"
    except TimeoutError:
        return f"no answer within {timeout_s:g} s", "check that the device is powered and in this network"
    except socket.gaierror:
        return "host name not known", "check the spelling, or give the address in numbers"
    except OSError as error:
        return error.strerror or type(error).__name__, "check the network and the address"
    writer.close()
    return "accepted at the second attempt only", "check whether another master keeps the device's only connection"


def _why_not_serial(path: Path) -> tuple[str, str]:
    if not path.exists():
        return "no such device", "plug the adapter in; /dev/serial/by-id/ lists those present"
    if not os.access(path, os.R_OK | os.W_OK):
        return "no right to use it", "add the gateway's user to the device's group, mostly dialout"
    return "it is in use, or is no serial line", "stop the other program that has it open"
