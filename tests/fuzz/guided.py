"""Feeds one target with inputs that atheris guides by the branches they reach; run as a program, a process a target.

    python -m tests.fuzz.guided p1 --inputs 100000 --out FOLDER

An input that breaks a promise is written into FOLDER with its trace on stderr, and the exit status is not 0.
"""

import argparse
import sys
from pathlib import Path
from random import Random

import atheris

from tests.fuzz.inputs import EXTREMES, changed
from tests.fuzz.target import target_named
from tests.fuzz.watched import WATCHED

SLOWEST_S = 20
"""Wall seconds for one input, so many that a busy machine is no finding."""
MOST_MB = 1024
"""Memory of the process, coverage tables included."""


def main() -> None:
    """Fuzz; ends the process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    with atheris.instrument_imports(include=list(WATCHED[options.target])):
        target = target_named(options.target)
    grown, words = options.out / "grown", options.out / "words"
    grown.mkdir(parents=True, exist_ok=True)
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in (*target.words, *EXTREMES) if word), "ascii")
    flags = [
        f"-runs={options.inputs}", f"-seed={options.seed}", f"-max_len={target.longest}", f"-timeout={SLOWEST_S}",
        f"-rss_limit_mb={MOST_MB}", f"-dict={words}", f"-artifact_prefix={options.out}/broken-", "-print_final_stats=1",
    ]  # fmt: skip
    chance, seeds = Random(options.seed), target.seeds()  # noqa: S311  # no secret

    def mutate(data: bytes, longest: int, seed: int) -> bytes:
        chance.seed(seed)
        if chance.randrange(2):
            return bytes(atheris.Mutate(data, longest))
        return changed(data, target, seeds, chance)[:longest]

    command = [sys.argv[0], *flags, str(grown), str(target.corpus)]
    atheris.Setup(command, target.feed, custom_mutator=mutate)
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main()
