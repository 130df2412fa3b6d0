"""Forks hosted instances from prepared processes."""

import asyncio
import os
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import asdict

from efpi_core.host.fork_link import ForkLink
from efpi_core.host.launching import OnBorn, OnGone, Wish, no_process, python_program
from efpi_core.host.order import ORPHAN_GRACE_S, ChildOrder
from efpi_core.host.process_handle import ProcessHandle
from efpi_core.host.template import Template

TEMPLATE_FROM = 3
"""So many instances of one plugin at once are forked from a template; for fewer it would cost more than it saves."""


class ForkServerLauncher:
    """Asks the forkserver, which is started when there is none; several instances of one plugin share a template."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = environment
        self._link: ForkLink | None = None
        self._server: ProcessHandle | None = None
        self._templates: dict[str, Template] = {}
        self._all: set[Template] = set()
        self._batch: list[tuple[str, Wish]] = []
        self._gone: asyncio.Future[None] | None = None

    @property
    def pid(self) -> int | None:
        """The forkserver's process, if there is one."""
        return None if self._server is None or self._server.dead else self._server.pid

    def start(self) -> None:
        """Start the server before it is needed; harmless when it runs. OSError when there can be no process."""
        if self._link is not None:
            return
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with far:
            try:
                process = subprocess.Popen(  # noqa: S603  # our own module, by this very interpreter
                    python_program("efpi_core.host.forkserver", "--fd", str(far.fileno())),
                    stdin=subprocess.DEVNULL,
                    pass_fds=(far.fileno(),),
                    start_new_session=True,
                    env=self._environment,
                )
            except OSError:
                near.close()
                raise
        process.returncode = 0  # it is watched and buried by its handle, not by the subprocess module
        self._server = ProcessHandle(process.pid, os.pidfd_open(process.pid), self._server_gone)
        self._link = ForkLink(near, self._lost)

    def launch(self, order: ChildOrder, channel: socket.socket, output: int, on_born: OnBorn, on_gone: OnGone) -> None:
        """Make a process that has `channel` and prints to `output`."""
        if not self._batch:
            asyncio.get_running_loop().call_soon(self._launch_batch)
        self._batch.append((order.module, Wish({"order": asdict(order)}, channel, output, on_born, on_gone)))

    def _launch_batch(self) -> None:
        """Launch all that was asked for in one turn of the event loop, as at the start of a site."""
        batch, self._batch = self._batch, []
        modules = [module for module, _ in batch]
        for module, wish in batch:
            try:
                template = self._template(module, modules.count(module))
            except OSError as error:
                wish.close()
                wish.on_born(no_process(str(error)))
                continue
            if template is None:
                self._ask_server(wish)
            else:
                template.ask(wish)

    def _ask_server(self, wish: Wish) -> None:
        try:
            self.start()
        except OSError as error:
            wish.close()
            wish.on_born(no_process(str(error)))
            return
        assert self._link is not None  # noqa: S101  # started
        self._link.ask(wish)

    def _template(self, module: str, count: int) -> Template | None:
        """The template of a plugin whose files are as they were when it was imported; a new one when it is worth it."""
        present = self._templates.get(module)
        if present is None and count < TEMPLATE_FROM:
            return None
        from efpi_core.host.package_stamp import package_stamp  # noqa: PLC0415  # not before the gateway listens

        stamp = package_stamp(module)
        if present is not None and present.stamp == stamp and (present.usable or present.failed):
            return None if present.failed else present
        if present is not None:
            present.retire()
            del self._templates[module]
        if count < TEMPLATE_FROM:
            return None
        self.start()
        assert self._link is not None  # noqa: S101  # started
        template = Template(module, stamp, self._link, self._ask_server, self._all.discard)
        self._templates[module] = template
        self._all.add(template)
        return template

    def _lost(self, link: ForkLink) -> None:
        self._link = None
        if self._server is not None:
            self._server.kill()

    def _server_gone(self, server: ProcessHandle) -> None:
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    async def close(self) -> None:
        """End the server and the templates; their children, if any are left, have the time of orphans for their end."""
        await asyncio.gather(*(template.close() for template in self._all), self._close_server())

    async def _close_server(self) -> None:
        server, link = self._server, self._link
        if server is None or link is None or server.dead:
            return
        self._gone = asyncio.get_running_loop().create_future()
        link.hang_up()
        if not link.pids:
            server.kill()  # it leaves nobody behind, and while it still begins it hears nothing
        try:
            async with asyncio.timeout(ORPHAN_GRACE_S + 1):
                await self._gone
        except TimeoutError:
            server.kill()
            await self._gone
        link.close()
