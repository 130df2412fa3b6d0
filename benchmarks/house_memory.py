"""Memory of the demo house, all processes together: all plugins inline, and ten appliances and an app hosted.

`python benchmarks/house_memory.py` starts the real gateway both ways, waits until ten appliances are live and a minute
has passed, and prints the sum of the proportional set sizes (PSS) beside the targets.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

TARGET_INLINE_MB = 80
TARGET_HOSTED_MB = 160


def descendants(pid: int) -> list[int]:
    """The process and all that it started."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found.extend(int(child) for child in (task / "children").read_text().split())
    return found


def pss_mb(pids: list[int]) -> float:
    """Their memory in MB, what they share counted once."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024


def live(port: int) -> int:
    """How many appliances are live."""
    address = f"http://127.0.0.1:{port}/api/appliances"
    with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(address, timeout=2) as answer:
        return sum(appliance["power"] is not None for appliance in json.load(answer))
    return 0


def measure(port: int, settle_s: float, *options: str) -> tuple[float, int]:
    """Memory in MB and number of processes of a gateway with the demo house."""
    with tempfile.TemporaryDirectory() as home:
        command = [str(Path(sys.executable).with_name("efpi")), "run", "--site", "demo", "--home", home]
        gateway = subprocess.Popen(
            [*command, "--port", str(port), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            deadline = time.monotonic() + 60
            while live(port) < 10 and time.monotonic() < deadline:
                time.sleep(0.2)
            time.sleep(settle_s)
            processes = descendants(gateway.pid)
            return pss_mb(processes), len(processes)
        finally:
            os.kill(gateway.pid, signal.SIGTERM)
            gateway.wait(10)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=18391)
    parser.add_argument("--settle", type=float, default=20.0, help="seconds to wait once all are live")
    options = parser.parse_args()
    inline, _ = measure(options.port, options.settle, "--inline")
    print(f"demo house, all inline: {inline:.0f} MB   (target ≤ {TARGET_INLINE_MB})")
    hosted, processes = measure(options.port + 1, options.settle)
    print(f"demo house, all hosted, {processes} processes: {hosted:.0f} MB   (target ≤ {TARGET_HOSTED_MB})")


if __name__ == "__main__":
    main()
