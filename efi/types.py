"""The ground types of every message: identifiers, labels, instants, durations, bounded numbers."""

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

IDENTIFIER_PATTERN = r"^[A-Za-z0-9_:\-]{2,64}$"

MAX_ELEMENTS = 10_000
"""Longest profile or list that a message may carry."""


class Model(BaseModel):
    """A frozen value of the interface: checked when made, refusing unknown fields, NaN and infinities."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=False,
        defer_build=True,
        ser_json_timedelta="iso8601",
    )


def violated(rule: str, message: str, **facts: Any) -> PydanticCustomError:
    """The error of a check that spans fields: its rule's name, a sentence with the cure, and the offending values."""
    return PydanticCustomError(rule, message, facts)


def refuse_repeated(parts: Sequence[Any], what: str, *names: str) -> None:
    """Refuse a list in which two parts are alike in the named fields, or altogether; `what` names the parts."""
    if len(parts) < 2:
        return
    seen = set()
    for identity in map(attrgetter(*names), parts) if names else parts:
        if identity in seen:
            raise violated(
                "repeated_id",
                "two {what} are called '{identity}'; give each a name of its own",
                what=what,
                identity=" ".join(map(str, identity)) if len(names) > 1 else str(identity),
            )
        seen.add(identity)


LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""The first instant that no message may name: after it, a century's profile no longer ends within the calendar."""


def _to_utc(value: datetime) -> datetime:
    try:
        utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    except OverflowError:
        utc = LATEST
    if utc.year >= LATEST.year:
        raise violated(
            "instant_out_of_range", "{instant} is beyond the calendar; name a nearer one", instant=str(value)
        )
    return utc


Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER_PATTERN)]
"""Two to 64 letters, digits, `_`, `:` or `-` (EFI 2.0 schema, type Identifier)."""

Label = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1F\x7F]*$")]
"""A name for people, at most 200 characters and none of them a control character; hostile until escaped."""

Text = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00-\x08\x0B-\x1F\x7F]*$")]
"""An explanation for people, at most 2000 characters; hostile until escaped."""

CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""A currency's ISO 4217 code."""

Instant = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""A moment with a zone, kept in UTC."""

CENTURY = timedelta(days=36525)
"""The longest duration, and the longest profile."""

Duration = Annotated[timedelta, Field(ge=timedelta(0), le=CENTURY)]
"""A length of time, zero or longer."""

PositiveDuration = Annotated[timedelta, Field(gt=timedelta(0), le=CENTURY)]
"""A length of time above zero."""

LARGEST = 1e15
"""The largest number, either way, that a message tells."""

Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
"""A finite number of at most 1e15 either way; its unit stands with the field."""

Factor = Annotated[float, Field(ge=0.0, le=1.0)]
"""A place within a range: 0 at its start, 1 at its end."""

MONEY_PLACES = Decimal(1).scaleb(-18)
"""The finest step of a cost: a J of wear costs parts of a millionth."""

Money = Annotated[Decimal, Field(max_digits=30, decimal_places=18)]
"""An amount in the currency that the registration names."""


class NumberRange(Model):
    """The numbers from `lower` to `upper`, ends included; equal ends are a single number."""

    lower: Number
    """The smallest number of the range."""
    upper: Number
    """The largest number of the range."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lower > self.upper:
            raise violated(
                "range_reversed",
                "the lower end {lower} lies above the upper end {upper}; swap them",
                lower=self.lower,
                upper=self.upper,
            )
        return self

    @property
    def width(self) -> float:
        """The distance between the ends."""
        return self.upper - self.lower

    def __contains__(self, number: float) -> bool:
        """Whether the number lies within, ends included."""
        return self.lower <= number <= self.upper

    def clamp(self, number: float) -> float:
        """The number of this range that is closest to the given one."""
        return min(max(number, self.lower), self.upper)

    def fraction(self, number: float) -> float:
        """Where the number stands: 0 at the lower end, 1 at the upper, beyond them outside; 0 for a point."""
        return (number - self.lower) / self.width if self.upper > self.lower else 0.0


def require_contiguous(ranges: Iterable[NumberRange], what: str) -> None:
    """Refuse ranges that leave a gap, overlap, are not in rising order, or hold nothing among several."""
    for before, after in itertools.pairwise(ranges):
        if before.upper != after.lower:
            raise violated(
                "ranges_not_contiguous",
                "{what}: one element ends at {end} and the next starts at {start}; let each start where the last ended",
                what=what,
                end=before.upper,
                start=after.lower,
            )
        if before.lower == before.upper or after.lower == after.upper:
            raise violated(
                "range_empty",
                "{what}: the element at {end} begins where it ends; leave it out, its neighbours meet there",
                what=what,
                end=before.upper,
            )


def require_after(start: datetime, end: datetime | None) -> None:
    """Refuse an interval that ends before or as it begins."""
    if end is not None and end <= start:
        raise violated(
            "interval_reversed",
            "the interval ends at {end} and begins at {start}; let it end later",
            end=end.isoformat(),
            start=start.isoformat(),
        )
