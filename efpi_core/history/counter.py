"""What a counter counted: the differences of its readings, over resets, rollovers, replaced meters and gaps.

Readings are taken in the order in which they came, since a counter only goes up, whatever the clock does meanwhile.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from itertools import islice
from operator import le, lt
from typing import cast

from efpi_core.history.micro import MILLION, micro, micros
from efpi_core.history.series import Series, Span

QUARTER_MS = 900_000

BURST_MS = QUARTER_MS
"""A counter may make up for this long at its highest rate in one step: coarse ones jump, slow links wait."""

LONGEST_SPREAD_MS = int(timedelta(days=31) / timedelta(milliseconds=1))
"""What was counted over a longer gap is put at its end."""

_RATES = {"m³": 0.05, "m3": 0.05, "kg": 1.0}
"""The highest plausible rates by unit, a second; of J it is what the connection to the grid can carry."""


class Turn(StrEnum):
    """What a counter did beside counting."""

    RESET = "reset"
    """It began anew near 0; what it shows since counts."""
    ROLLED_OVER = "rolled_over"
    """It passed its highest value."""
    REPLACED = "replaced"
    """Another counter stands in its place; from this reading on differences count again."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a counter showed, in millionths, at ms since 1970."""

    at: int
    amount: int


@dataclass(frozen=True, slots=True)
class CounterRule:
    """What is known of a counter. `most_per_s`: in its unit; `modulus`: the value at which it begins at 0 again."""

    most_per_s: float | None = None
    modulus: float | None = None

    @classmethod
    def of(cls, unit: str, modulus: float | None, most_w: float) -> "CounterRule":
        """The rule for a counter of a unit, in a house whose connection carries `most_w`."""
        return cls(most_w if unit == "J" else _RATES.get(unit), modulus)

    def plausible(self, elapsed_ms: int) -> int | None:
        """The most that it can count in a time, in millionths; None when nothing is known of that."""
        return None if self.most_per_s is None else int(self.most_per_s * MILLION * (elapsed_ms + BURST_MS) / 1000)

    def step(self, before: int, after: int, elapsed_ms: int) -> tuple[int, Turn | None]:
        """What was counted between two readings, and what else the counter did."""
        most = self.plausible(elapsed_ms)
        step = after - before
        if step >= 0:
            return (step, None) if most is None or step <= most else (0, Turn.REPLACED)
        if self.modulus is not None:
            wrapped = step + micro(self.modulus)
            if 0 <= wrapped <= micro(self.modulus) // 4 and (most is None or wrapped <= most):
                return wrapped, Turn.ROLLED_OVER
        if _is_noise(before, after, self.plausible(0)):
            return step, None  # the next step makes up for it, so that nothing counts twice
        if after >= 0 and (most is None or after <= most):
            return after, Turn.RESET
        return 0, Turn.REPLACED


def _is_noise(before: int, after: int, burst: int | None) -> bool:
    """Whether a step back is the rounding of one and the same counter: less than a tenth, and no more than a burst."""
    return after * 10 >= before * 9 and before - after <= (before // 1000 if burst is None else burst)


@dataclass(slots=True)
class Counted:
    """What a counter counted in one quarter hour, in millionths."""

    amount: int = 0
    estimated: int = 0
    """The part of it that was counted over a longer gap and spread evenly, or that follows from power."""


@dataclass(slots=True)
class Counter:
    """Follows the readings of one counter and sums by quarter hours, keyed by their begins in s since 1970."""

    rule: CounterRule
    last: Reading | None = None
    quarters: dict[int, Counted] = field(default_factory=dict)
    turns: list[tuple[Turn, Reading, Reading]] = field(default_factory=list)
    """What else happened, with the readings before and after."""

    def take(self, came: Series, span: Span | None = None) -> None:
        """Take in values as they came; what is not good does not count."""
        good = came.good_numbers()
        self.follow(good.stamps, cast(Sequence[float], good.values), rising=good.rising)

    def follow(self, stamps: Sequence[int], shown: Sequence[float], *, rising: bool = False) -> None:
        """Take in readings as they came, in the counter's unit. `rising`: the stamps are known to go up."""
        if not len(stamps):
            return
        if self.last is None:
            self.last = Reading(stamps[0], micro(shown[0]))
        if self._is_plain(stamps, shown, rising):
            self._follow_plain(stamps, shown)
        else:
            for at, amount in zip(stamps, micros(shown), strict=True):
                self.step(Reading(at, amount))

    def _is_plain(self, stamps: Sequence[int], shown: Sequence[float], rising: bool) -> bool:
        """Whether time and counter only go on, by no more than one step could alone."""
        assert self.last is not None  # noqa: S101  # by `follow`
        burst = self.rule.plausible(0)
        return (
            self.last.at <= stamps[0]
            and self.last.amount <= micro(shown[0])
            and (burst is None or micro(shown[-1]) - self.last.amount <= burst)
            and all(map(le, shown, islice(shown, 1, None)))
            and (rising or all(map(lt, stamps, islice(stamps, 1, None))))
        )

    def _follow_plain(self, stamps: Sequence[int], shown: Sequence[float]) -> None:
        """Only the steps over the border of a quarter hour are looked at one by one."""
        place = 0
        while place < len(stamps):
            begin = Reading(stamps[place], micro(shown[place]))
            self.step(begin)
            last = bisect_left(stamps, _begin(stamps[place]) + QUARTER_MS, place) - 1
            if last > place:
                self.last = Reading(stamps[last], micro(shown[last]))
                self._count(stamps[last] // QUARTER_MS * 900, self.last.amount - begin.amount)
            place = last + 1

    def step(self, after: Reading) -> None:
        """Take in one reading."""
        before, self.last = self.last, after
        if before is None:
            return
        counted, turn = self.rule.step(before.amount, after.amount, abs(after.at - before.at))
        if turn is not None:
            self.turns.append((turn, before, after))
        if counted:
            estimated = after.at - before.at > QUARTER_MS
            for quarter, part in spread(before.at, after.at, counted):
                self._count(quarter, part, estimated=estimated)

    def _count(self, quarter: int, amount: int, *, estimated: bool = False) -> None:
        counted = self.quarters.setdefault(quarter, Counted())
        counted.amount += amount
        if estimated:
            counted.estimated += amount


def _begin(at: int) -> int:
    return at // QUARTER_MS * QUARTER_MS


def spread(since: int, until: int, amount: int) -> Iterator[tuple[int, int]]:
    """Part an amount evenly in time over the quarter hours from one instant to another; the parts' sum is the amount.

    Backwards in time, or over a very long span, all of it belongs to the last one.
    """
    if not 0 < until - since <= LONGEST_SPREAD_MS:
        yield until // QUARTER_MS * 900, amount
        return
    done = 0
    for border in range(_begin(since) + QUARTER_MS, until + QUARTER_MS, QUARTER_MS):
        reached = min(border, until)
        upto = amount * (reached - since) // (until - since)
        if upto != done:
            yield (border - QUARTER_MS) // 1000, upto - done
        done = upto
        if reached == until:
            return
