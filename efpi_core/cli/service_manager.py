"""The service manager, which is told when the gateway is ready, how it is doing, and that it lives.

sd_notify(3) is a datagram to a socket that the environment names; no library is needed for that, nor lighter.
"""

import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress

LONGEST_STATUS = 500


class ServiceManager:
    """systemd, or whoever speaks its protocol; nobody when the environment names none."""

    def __init__(self, address: str, watchdog_s: float | None = None) -> None:
        self._address = address
        self.watchdog_s = watchdog_s
        """How long it waits for a sign of life; None when it does not."""

    @classmethod
    def of(cls, environment: MutableMapping[str, str]) -> "ServiceManager":
        """The one that started this process. Its words are taken out of the environment: plugins shall not speak to it.

        `WATCHDOG_PID`, where it is given, says for which process the watchdog is.
        """
        address = environment.pop("NOTIFY_SOCKET", "")
        usec, pid = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        meant = usec.isdecimal() and int(usec) > 0 and pid in ("", str(os.getpid()))
        return cls(address, int(usec) / 1e6 if meant else None)

    def tell(self, **words: str) -> None:
        """Say something, as READY="1" or STATUS="…"; one that does not listen holds nobody up."""
        if not self._address.startswith(("/", "@")):
            return
        message = "\n".join(f"{word}={' '.join(text.split())[:LONGEST_STATUS]}" for word, text in words.items())
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
            line.setblocking(False)
            line.sendto(message.encode(), address)
