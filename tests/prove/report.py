"""The report of `make prove`, for people."""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from tests.prove.result import Result

WORD = {"holds": "holds", "broken": "**broken**", "late": "**late**"}


def report(results: Sequence[Result], code: str, pending: int) -> str:
    """All that is known of the cases, those that do not hold first."""
    counted = Counter(result.outcome for result in results)
    lines = [
        "# What is proven",
        "",
        f"Code {code}: {counted['holds']} hold, {counted['broken']} broken, {counted['late']} late, {pending} to do; "
        f"{sum(result.wall_s for result in results):.0f} s, {sum(result.cpu_s for result in results):.0f} s of CPU.",
    ]
    failing = [result for result in results if result.outcome != "holds"]
    if failing:
        lines += ["", "## What does not hold"]
    for result in failing:
        lines += ["", f"### {result.part}: {result.case}, {result.outcome}", "", "```", result.why.strip(), "```"]
    by_part = sorted(results, key=lambda result: result.part)
    for part, members in groupby(by_part, key=lambda result: result.part):
        lines += ["", f"## {part}", "", "| case | outcome | s | CPU s | figures |", "|---|---|---:|---:|---|"]
        lines += [_row(result) for result in members]
    return "\n".join(lines) + "\n"


def _row(result: Result) -> str:
    figures = ", ".join(f"{name} {_shown(value)}" for name, value in result.figures.items()).replace("|", "\\|")
    return f"| {result.case} | {WORD[result.outcome]} | {result.wall_s:.1f} | {result.cpu_s:.1f} | {figures} |"


def _shown(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)
