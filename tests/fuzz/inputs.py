"""How inputs come to be: seeds that are cut, doubled, mixed, strewn with telling pieces, and changed within their JSON.

Both drivers use it: hypothesis draws the chance, atheris lends it to libFuzzer beside libFuzzer's own changes.
"""

import json
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.target import Target

EXTREMES = (
    b"", b"\0", b"\xff", b"\r\n", b"\n", b"-1", b"0", b"65535", b"9" * 25, b"1e400", b"NaN", b"Infinity", b"-0.0",
    b"\xc2\x9b31m", b"\x1b[2J", b"\xe2\x80\xae", b"\xed\xa0\x80", b'"\\ud800"', b"<script>", b"=1+1", b"[[[[[[[[",
)  # fmt: skip
"""Pieces that are hostile to any parser."""

JSON_EXTREMES = (
    "null", "true", "0", "-1", "1e15", "1e300", "-1e400", "NaN", "9223372036854775808", "9" * 400, "0.1", '""', '"a"',
    '"new\\nline \\u001b[31m \\u009b \\u202e"', '"\\ud800"', '"<img src=x onerror=alert(1)>"', '"' + "x" * 300 + '"',
    "[]", "{}", "[" * 300 + "]" * 300, '{"a":' * 200 + "1" + "}" * 200, '"0001-01-01T00:00:00+23:59"', '"PT0S"',
    '"9999-12-31T23:59:59-23:59"', '"2026-03-01T12:00:00Z"', '"2026-03-01T12:00:00"', '"-P9999999D"', "86400", "1e-320",
)  # fmt: skip
"""Values of JSON that are hostile to whoever reads them."""

CHANGES = 6


def made(target: Target, seeds: list[bytes], chance: Random) -> bytes:
    """One input: a seed with some changes, or bytes of chance."""
    if not chance.randrange(16):
        return chance.randbytes(chance.randrange(200))
    data = chance.choice(seeds)
    for _ in range(chance.randrange(CHANGES)):
        data = changed(data, target, seeds, chance)
    return data[: target.longest]


def changed(data: bytes, target: Target, seeds: list[bytes], chance: Random) -> bytes:
    """The input with one change."""
    if target.holds_json and chance.randrange(3):
        return json_changed(data, chance)
    place, length = chance.randint(0, len(data)), 1 << chance.randrange(9)
    before, within, after = data[:place], data[place : place + length], data[place + length :]
    word = chance.choice((*target.words, *EXTREMES))
    match chance.randrange(7):
        case 0:
            return before + chance.randbytes(1) + data[place + 1 :]
        case 1:
            return before + after
        case 2:
            return before + within * chance.randint(2, 5) + after
        case 3:
            return before + word + within + after
        case 4:
            return before + word + after
        case 5:
            other = chance.choice(seeds)
            begin = chance.randint(0, len(other))
            return before + other[begin : begin + length] + after
        case _:
            return before + chance.randbytes(chance.randrange(16)) + within + after


def json_changed(data: bytes, chance: Random) -> bytes:
    """One value within the JSON of one line replaced, doubled, renamed or taken away."""
    lines = data.split(b"\n")
    number = chance.randrange(len(lines))
    start = max(lines[number].find(b"{"), 0)
    try:
        value = json.loads(lines[number][start:])
    except (ValueError, RecursionError):
        return data
    extreme = chance.choice(JSON_EXTREMES)
    _change_within(value, chance)
    text = json.dumps(value, separators=(",", ":")).replace(f'"{_HERE}"', extreme)
    lines[number] = lines[number][:start] + text.encode()
    return b"\n".join(lines)


_HERE = "the value to replace"


def _change_within(value: Any, chance: Random) -> None:
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not keys:
        return
    key = chance.choice(keys)
    if isinstance(value[key], dict | list) and value[key] and chance.randrange(4):
        _change_within(value[key], chance)
        return
    match chance.randrange(6):
        case 0:
            del value[key]
        case 1 if isinstance(value, dict):
            value["new\nfield\u202e" if chance.randrange(2) else "x" * 5000] = value[key]
        case 2 if isinstance(value, list):
            value += [value[key]] * chance.randrange(20)
        case _:
            value[key] = _HERE


@st.composite
def inputs(draw: st.DrawFn, target: Target) -> bytes:
    """The same as a strategy."""
    return made(target, target.seeds(), Random(draw(st.integers(0, 1 << 62))))  # noqa: S311  # no secret
