"""What a plugin may do wrong."""

import os
import socket
import stat
import sys
import threading
import time
from pathlib import Path
from typing import Any

LEAKED: list[Any] = []


def commit(fault: str) -> None:
    """Do it."""
    match fault:
        case "":
            pass
        case "raise":
            raise RuntimeError("the driver has a fault")
        case "exit":
            os._exit(3)
        case "sys_exit":
            sys.exit(4)
        case "busy":
            while True:
                pass
        case "block":
            time.sleep(3600)
        case "print":
            for number in range(200_000):
                sys.stdout.write(f"line {number} \x1b[2J of far too many\n")
        case "print_bytes":
            os.write(1, b"\xff\xfe no newline " * 10_000)
        case "fork":
            _live_on(os.fork())
        case "daemon":
            first = os.fork()
            if first == 0:
                os.setsid()
                _live_on(os.fork())
                os._exit(0)
            os.waitpid(first, 0)
        case "nonsense":
            os.write(channel(), b"GET / HTTP/1.1\r\n\r\n")
        case "not_json":
            os.write(channel(), (5).to_bytes(4, "big") + b"{nono")
        case "unknown_op":
            os.write(channel(), (16).to_bytes(4, "big") + b'{"op":"explode"}')
        case "close":
            os.close(channel())
        case "thread":
            threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
        case "open":
            LEAKED.append(os.open(os.devnull, os.O_RDONLY))
        case "bomb":
            LEAKED.append(bytearray(2**32))
        case "leak":
            LEAKED.append(bytearray(os.urandom(1024)) * 200_000)
        case _:
            raise ValueError(f"no fault is called {fault!r}")


def _live_on(forked: int) -> None:
    """Sleep in the child; tell of it in the parent."""
    if forked == 0:
        time.sleep(3600)
    sys.stdout.write(f"forked {forked}\n")
    sys.stdout.flush()


def channel() -> int:
    """The socket to the gateway."""
    for path in list(Path("/proc/self/fd").iterdir()):
        descriptor = int(path.name)
        try:
            found = stat.S_ISSOCK(os.fstat(descriptor).st_mode)
        except OSError:
            continue
        if found and _is_stream(descriptor):
            return descriptor
    raise RuntimeError("there is no socket")


def _is_stream(descriptor: int) -> bool:
    with socket.socket(fileno=os.dup(descriptor)) as copy:
        if copy.type != socket.SOCK_STREAM or copy.family != socket.AF_UNIX:
            return False
        peer = copy.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int.from_bytes(peer[:4], sys.byteorder) != os.getpid()
