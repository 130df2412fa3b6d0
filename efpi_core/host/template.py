"""A template: a process that has imported one plugin and forks its instances, where a site has several of them.

An instance that is forked from it shares the plugin's imported code with the others; each one saves several megabytes
and the time of the import. A template is made by the forkserver, runs no instance, and is only as trusted as they are.
It ends when all that were asked for are made.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable

from efpi_core.errors import TryAgainError
from efpi_core.host.fork_link import ForkLink
from efpi_core.host.launching import Wish
from efpi_core.host.order import ORPHAN_GRACE_S
from efpi_core.host.output import Output
from efpi_core.host.process_handle import ProcessHandle
from efpi_core.log_line import say

LOG = logging.getLogger("efpi.instance")

IMPORT_S = 10.0
"""How long its import may take; then its instances are made without it."""

IDLE_S = 5.0
"""A template of which nothing was asked for so long is ended: its instances keep what they share, without it."""


class Template:
    """The gateway's side of one template: keeps wishes until the plugin is imported, or hands them back."""

    def __init__(
        self,
        module: str,
        stamp: str,
        root: ForkLink,
        hand_back: Callable[[Wish], None],
        on_over: Callable[["Template"], None],
    ) -> None:
        self.module = module
        self.stamp = stamp
        """Of the plugin's files when it was imported."""
        self.failed = False
        """Whether it could not be made fit for forking."""
        self.idle = False
        """Whether it was ended because nothing was asked of it."""
        self._root = root
        self._hand_back = hand_back
        self._on_over = on_over
        self._ready = False
        self._wishes: list[Wish] = []
        self._handle: ProcessHandle | None = None
        self._over = asyncio.Event()
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        output, printing = os.pipe2(os.O_CLOEXEC)
        self._output = Output(output, self._printed)
        self._link = ForkLink(near, self._lost, self._imported)
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.call_later(IMPORT_S, self._too_late)
        root.ask(Wish({"template": module}, far, printing, self._born, self._gone))

    @property
    def usable(self) -> bool:
        """Whether wishes may be given to it."""
        return not (self.failed or self.idle or self._link.lost or self._link.retired)

    def ask(self, wish: Wish) -> None:
        """Ask for an instance."""
        if self._ready:
            self._link.ask(wish)
            self._look_again()
        else:
            self._wishes.append(wish)

    def _look_again(self) -> None:
        self._deadline.cancel()
        self._deadline = self._loop.call_later(IDLE_S, self._rest)

    def _rest(self) -> None:
        """Nothing was asked for a while: end. Where the forkserver is gone it stays, to tell how its instances end."""
        if self._handle is None or self._root.lost or self._link.lost or self._link.retired:
            return
        if self._link.waiting:
            self._look_again()
        else:
            self.idle = True
            self._handle.kill()

    def retire(self) -> None:
        """The plugin's files changed: no new instances; end when the last one has ended."""
        self._link.retire()

    async def close(self) -> None:
        """End it; instances that are left have the time of orphans for their end."""
        self._link.hang_up()
        try:
            async with asyncio.timeout(ORPHAN_GRACE_S + 1):
                await self._over.wait()
        except TimeoutError:
            if self._handle is not None:
                self._handle.kill()
                await self._over.wait()
        self._deadline.cancel()
        self._link.close()

    def _imported(self) -> None:
        self._ready = True
        self._look_again()
        wishes, self._wishes = self._wishes, []
        for wish in wishes:
            self._link.ask(wish)

    def _too_late(self) -> None:
        self._fail()
        if self._handle is not None:
            self._handle.kill()

    def _fail(self) -> None:
        """Hand back what was not yet asked of it: its instances are made one by one, and tell what is wrong."""
        self.failed = True
        self._deadline.cancel()
        wishes, self._wishes = self._wishes, []
        for wish in wishes:
            self._hand_back(wish)

    def _born(self, born: ProcessHandle | TryAgainError) -> None:
        if isinstance(born, TryAgainError):
            self._fail()
            self._output.close()
            self._end()
        else:
            self._handle = born
            if self.failed:
                born.kill()

    def _lost(self, link: ForkLink) -> None:
        if not self._ready:
            self._fail()
        self._root.adopt(link)
        if self._handle is not None:
            self._handle.kill()

    def _gone(self, handle: ProcessHandle) -> None:
        self._output.drain()
        self._end()

    def _end(self) -> None:
        self._over.set()
        self._on_over(self)

    def _printed(self, line: str) -> None:
        say(LOG, logging.INFO, "plugin_printed", self.module, line)
