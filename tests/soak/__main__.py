"""`make soak`: a hundred appliances for hours; memory flat, descriptors and tasks constant, no warning unexplained.

SOAK_HOURS says how long the real part takes (2 if not given), SOAK_DAYS how many days are simulated (2).
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from efpi_core.host.process_tree import process_tree, proportional_memory
from tests.soak.flat import TOLERANCE, growth
from tests.soak.site import APPLIANCES, soak_site
from tests.support.real_gateway import RealGateway, program, running, site_file

ROOT = Path(__file__).parent.parent.parent
SAMPLES = 120
Sample = dict[str, float]


def main() -> int:
    """Both parts; returns 0 when all holds."""
    hours = float(os.environ.get("SOAK_HOURS", "2"))
    days = float(os.environ.get("SOAK_DAYS", "2"))
    out = ROOT / "out" / "soak"
    out.mkdir(parents=True, exist_ok=True)
    problems: list[str] = []
    with tempfile.TemporaryDirectory(prefix="efpi-soak-") as folder, Progress(console=Console()) as progress:
        for name, samples, told in (
            ("simulated", *simulated(Path(folder), days, progress)),
            ("real", *real(Path(folder), hours * 3600, progress)),
        ):
            (out / f"{name}.json").write_text(json.dumps({"samples": samples, "told": told}, indent=1))
            problems += [f"{name}: {problem}" for problem in (*judged(samples), *told)]
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems; {out}")
    return 1 if problems else 0


def judged(samples: list[Sample]) -> list[str]:
    """What did not stay as it was; a figure for each."""
    problems = []
    for figure in samples[0]:
        values = [sample[figure] for sample in samples]
        grown = growth(values)
        print(f"{figure:<28} {values[0]:>10.1f} -> {values[-1]:>10.1f}   {grown:+.2%} after the warm-up")
        if grown > TOLERANCE:
            problems.append(f"{figure} grew by {grown:.1%}")
    return problems


def simulated(folder: Path, days: float, progress: Progress) -> tuple[list[Sample], list[str]]:
    """Simulate so many days, and look at the process from outside by the progress of its results."""
    site = site_file(folder, soak_site(hosted=False), "simulated.yaml")
    out = folder / "results"
    bar = progress.add_task("simulated", total=None)
    words = [program(), "simulate", "--site", str(site), "--days", str(days), "--out", str(out)]
    with (folder / "simulated.log").open("w+b") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
        samples = []
        while process.poll() is None:
            memory = proportional_memory(process.pid)
            if memory and any(out.glob("*")):
                descriptors = len(list(Path(f"/proc/{process.pid}/fd").iterdir()))
                samples.append({"memory_mb": memory / 2**20, "descriptors": float(descriptors)})
            time.sleep(0.25)
        progress.update(bar, total=1, completed=1)
        log.seek(0)
        told = [] if process.returncode == 0 else [log.read().decode()[-2000:]]
    return samples, told


def real(folder: Path, seconds: float, progress: Progress) -> tuple[list[Sample], list[str]]:
    """Run a gateway for so long, and look at it from outside."""
    bar = progress.add_task("real", total=seconds)
    site = site_file(folder, soak_site(hosted=True))
    every_s = max(seconds / SAMPLES, 1.0)
    samples: list[Sample] = []
    with running(folder / "home", site) as gateway:
        gateway.eventually(
            lambda: sum(view["state"] == "online" for view in gateway.appliances().values()) >= APPLIANCES,
            f"all {APPLIANCES} appliances are online",
            300,
        )
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < seconds:
            samples.append(sample(gateway))
            progress.update(bar, completed=passed)
            time.sleep(every_s)
        progress.update(bar, completed=seconds)
        told = [
            f"{event['subject']}: {event['kind']}: {event['text']}"
            for event in gateway.says("events", "--count", "2000")
            if event["level"] != "info"
        ]
        restarts = sum(view["restarts"] for view in gateway.instances().values())
        if restarts:
            told.append(f"{restarts} restarts")
        if (took := gateway.end()) > 2.0:
            told.append(f"it took {took:.1f} s to end")
    return samples, told


def sample(gateway: RealGateway) -> Sample:
    """The figures that must not grow."""
    with urllib.request.urlopen(f"http://127.0.0.1:{gateway.port}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    family = [pid for pid in process_tree(gateway.pid) if pid != gateway.pid]
    return {
        "gateway_mb": (proportional_memory(gateway.pid) or 0) / 2**20,
        "hosts_mb": sum(proportional_memory(pid) or 0 for pid in family) / 2**20,
        "processes": float(len(family) + 1),
        "gateway_descriptors": metric(text, "process_open_fds"),
        "gateway_tasks": metric(text, "efpi_tasks"),
    }


def metric(text: str, name: str) -> float:
    """A figure of the metrics."""
    found = re.search(rf"^{name} ([0-9.e+]+)$", text, re.MULTILINE)
    assert found is not None, f"there is no {name} in the metrics"
    return float(found[1])


if __name__ == "__main__":
    sys.exit(main())
