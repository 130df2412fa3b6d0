"""A year of the demo house: seconds on one core, and whether the bytes are the same the second time.

`python benchmarks/simulated_year.py [--days N]` runs `efpi simulate` in a process of its own for a year and prints its
CPU time beside the target; then it runs the first ten days twice more, with other hash seeds, and compares the bytes.
"""

import argparse
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

TARGET_S = 120


def simulate(folder: Path, days: int, hash_seed: str) -> tuple[float, str]:
    """CPU seconds of a simulation, and a digest of everything that it wrote."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [
            *(str(Path(sys.executable).with_name("efpi")), "simulate", "--site", "demo"),
            *("--days", str(days), "--out", str(folder)),
        ],
        check=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        digest.update(file.name.encode() + file.read_bytes())
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, digest.hexdigest()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    days = parser.parse_args().days
    with tempfile.TemporaryDirectory() as folder:
        cpu, _ = simulate(Path(folder) / "year", days, "0")
        target = TARGET_S * days / 365
        print(f"{days} days of the demo house: {cpu:.0f} s of CPU on one core   (target ≤ {target:.0f} s)")
        digests = {simulate(Path(folder) / seed, 10, seed)[1] for seed in ("1", "2")}
        print(f"ten days twice, other hash seeds: {'the same bytes' if len(digests) == 1 else 'OTHER BYTES'}")


if __name__ == "__main__":
    main()
