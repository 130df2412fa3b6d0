"""Prove what takes too long for the test suite: `make prove`, resumed where it was left."""

import argparse
import sys
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from fnmatch import fnmatchcase
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tests.prove.case import Case
from tests.prove.catalogue import PARTS, ROOT, cases_of, code_stamp, part_names
from tests.prove.report import report
from tests.prove.result import Result, keep, kept, newest
from tests.prove.runner import Runner

Named = tuple[str, Case]


def wished(pattern: str, package: str) -> list[Named]:
    """The cases whose `part/case` or part matches, in the order of the parts."""
    named = [(part, case) for part in part_names(package) for case in cases_of(part, package).values()]
    return [
        (part, case)
        for part, case in named
        if any(fnmatchcase(name, pattern) for name in (part, case.name, f"{part}/{case.name}"))
    ]


def main() -> int:
    """Run what is to do; returns 0 when all that was wished holds."""
    options = parsed()
    results_path: Path = options.out / "results.jsonl"
    code = code_stamp()
    cases = wished(options.only, options.parts)
    if not cases:
        print(
            f"no case matches {options.only!r}; the parts are {', '.join(part_names(options.parts))}", file=sys.stderr
        )
        return 2
    known = {} if options.again else known_of(results_path, code, any_code=options.any_code)
    todo = [(part, case) for part, case in cases if (part, case.name) not in known]
    try:
        run_all(todo, len(cases), code, options)
    finally:
        all_known = newest([r for r in kept(results_path) if options.any_code or r.code == code])
        left = sum((part, case.name) not in all_known for part, case in cases)
        (options.out / "report.md").write_text(report(list(all_known.values()), code, left), encoding="utf-8")
    wanted = {(part, case.name) for part, case in cases}
    failing = [r for key, r in all_known.items() if key in wanted and r.outcome != "holds"]
    for result in failing:
        print(f"{result.part}/{result.case} {result.outcome}: {result.why.strip().splitlines()[-1]}")
    print(f"{len(cases) - len(failing)} of {len(cases)} hold; {options.out / 'report.md'}")
    return 1 if failing else 0


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.prove", description=__doc__)
    parser.add_argument("--only", default="*", metavar="PATTERN", help="part, case or part/case, with * and ?")
    parser.add_argument("--jobs", type=int, default=1, help="cases at the same time")
    parser.add_argument("--again", action="store_true", help="also what held already")
    parser.add_argument("--any-code", action="store_true", help="what held with other code counts, too")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "prove", help="where results and report go")
    parser.add_argument("--parts", default=PARTS, metavar="PACKAGE", help="where the parts are")
    return parser.parse_args()


def known_of(path: Path, code: str, *, any_code: bool) -> dict[tuple[str, str], Result]:
    """What holds already; the rest is run again."""
    of_code = newest([result for result in kept(path) if any_code or result.code == code])
    return {key: result for key, result in of_code.items() if result.outcome == "holds"}


def run_all(todo: list[Named], total: int, code: str, options: argparse.Namespace) -> None:
    """Run cases, some at a time, and keep each result as soon as it is there."""
    console, runner = Console(), Runner(code, options.parts)
    columns = (TextColumn("{task.description:<40}"), BarColumn(), MofNCompleteColumn())
    with (
        Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console) as progress,
        ThreadPoolExecutor(options.jobs) as pool,
    ):
        bar = progress.add_task("prove", total=total, completed=total - len(todo))
        waiting = iter(todo)
        running: set[Future[Result]] = set()
        try:
            while True:
                while len(running) < options.jobs and (following := next(waiting, None)) is not None:
                    part, case = following
                    progress.update(bar, description=f"{part}/{case.name}"[:40])
                    running.add(pool.submit(runner.run, part, case))
                if not running:
                    break
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    result = future.result()
                    keep(options.out / "results.jsonl", result)
                    if result.outcome != "holds":
                        last = (result.why.strip().splitlines() or [""])[-1]
                        console.print(f"{result.part}/{result.case} {result.outcome}: {last}", markup=False)
                    progress.advance(bar)
        finally:
            runner.end()


if __name__ == "__main__":
    sys.exit(main())
