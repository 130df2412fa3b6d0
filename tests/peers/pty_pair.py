"""Two serial lines joined by a null-modem cable, without hardware: what is written to one comes out of the other."""

import asyncio
import os
import pty
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def pty_pair() -> AsyncIterator[tuple[str, str]]:
    """The paths of the two ends."""
    loop = asyncio.get_running_loop()
    masters, slaves = [], []
    for _ in range(2):
        master, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        masters.append(master)
        slaves.append(slave)

    def pump(source: int, sink: int) -> None:
        try:
            os.write(sink, os.read(source, 4096))
        except OSError:
            loop.remove_reader(source)

    for source, sink in (masters, reversed(masters)):
        loop.add_reader(source, pump, source, sink)
    try:
        yield os.ttyname(slaves[0]), os.ttyname(slaves[1])
    finally:
        for descriptor in masters:
            loop.remove_reader(descriptor)
        for descriptor in (*masters, *slaves):
            os.close(descriptor)
