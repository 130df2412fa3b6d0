"""A gateway's end of hosted instances as a program, so that a test can kill it.

It takes a list of settings as JSON, launches one instance for each, and prints one JSON line with the processes when
every instance has started, or has begun to do what its settings name at the start.
"""

import asyncio
import json
import sys
from functools import partial
from pathlib import Path

from efpi_core.host.exec_launcher import ExecLauncher
from efpi_core.host.launcher import ForkServerLauncher
from efpi_core.host.launching import Launcher
from tests.support.hosted_world import environment, hosted


def _in_diary(diary: Path, words: str) -> bool:
    return words in diary.read_text()


async def main() -> None:
    fork = ForkServerLauncher(environment())
    launchers: dict[str, Launcher] = {"fork": fork, "exec": ExecLauncher(environment=environment())}
    launched = []
    for wish in json.loads(sys.argv[1]):
        config = dict(wish)
        launched.append(hosted(launchers[config.pop("launcher", "fork")], **config))
    for wish, (_, listener) in zip(json.loads(sys.argv[1]), launched, strict=True):
        if wish.get("moment") in ("start", "poll") and wish["fault"] in ("busy", "block", "hang"):
            await listener.until(partial(_in_diary, Path(wish["diary"]), f"fault {wish['fault']}"))
        else:
            await listener.ready()
    forked = [pid for _, listener in launched for pid in listener.forked()]
    sys.stdout.write(
        json.dumps({"server": fork.pid, "children": [host.pid for host, _ in launched], "forked": forked}) + "\n"
    )
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
