"""The event loop that tells when it has run dry."""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Coroutine
from typing import Any

from efpi_core.host import idle
from efpi_core.host.idle import IdleSelector


def run(selector: IdleSelector, work: Coroutine[Any, Any, None]) -> None:
    loop = asyncio.SelectorEventLoop(selector)
    try:
        loop.run_until_complete(asyncio.wait_for(work, 60))
    finally:
        loop.close()


def test_a_loop_is_idle_only_after_every_ready_callback_has_run() -> None:
    selector = IdleSelector()
    steps: list[str] = []

    async def work() -> None:
        loop = asyncio.get_running_loop()
        dry: asyncio.Future[None] = loop.create_future()

        def on_idle() -> bool:
            steps.append("idle")
            if not dry.done():
                dry.set_result(None)
            return True

        async def chain() -> None:
            for number in range(5):
                await asyncio.sleep(0)
                steps.append(str(number))

        selector.on_idle = on_idle
        task = loop.create_task(chain())
        await dry
        await task

    run(selector, work())
    assert steps == ["0", "1", "2", "3", "4", "idle"]


def test_a_loop_whose_owner_has_no_work_waits_for_its_descriptors() -> None:
    selector = IdleSelector()
    asked: list[bool] = []

    async def work() -> None:
        loop = asyncio.get_running_loop()
        near, far = socket.socketpair()
        near.setblocking(False)

        def on_idle() -> bool:
            asked.append(True)
            return False

        selector.on_idle = on_idle
        threading.Timer(0.02, far.send, (b"x",)).start()
        assert await loop.sock_recv(near, 1) == b"x"
        near.close()
        far.close()

    run(selector, work())
    assert 1 <= len(asked) <= 3, "the loop must wait, not spin"


def test_bytes_that_wait_unread_are_not_idleness() -> None:
    selector = IdleSelector()
    order: list[str] = []

    async def work() -> None:
        loop = asyncio.get_running_loop()
        near, far = socket.socketpair()
        done = loop.create_future()

        def read() -> None:
            near.recv(10)
            order.append("read")

        def on_idle() -> bool:
            order.append("idle")
            if not done.done():
                done.set_result(None)
            return True

        loop.add_reader(near, read)
        far.send(b"x")
        selector.on_idle = on_idle
        await done
        loop.remove_reader(near)
        near.close()
        far.close()

    run(selector, work())
    assert order == ["read", "idle"]


def test_a_loop_that_is_never_idle_makes_no_system_call_yet_hears_a_signal() -> None:
    selector = IdleSelector()
    looks = 0
    inner = selector._inner.select

    def counted(timeout: float | None = None) -> Any:
        nonlocal looks
        looks += 1
        return inner(timeout)

    selector._inner.select = counted  # type: ignore[method-assign]
    rounds = 0

    async def work() -> None:
        nonlocal rounds
        loop = asyncio.get_running_loop()
        heard = asyncio.Event()
        loop.add_signal_handler(signal.SIGUSR1, heard.set)
        os.kill(os.getpid(), signal.SIGUSR1)
        while not heard.is_set():
            rounds += 1
            await asyncio.sleep(0)
        loop.remove_signal_handler(signal.SIGUSR1)

    run(selector, work())
    assert rounds <= 2 * idle.LOOK_OUTSIDE_EVERY
    assert looks <= 3
