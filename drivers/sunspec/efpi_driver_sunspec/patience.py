"""How long a unit that does not answer is left alone, so that it costs the others on the line next to nothing.

The rules, with the defaults of this driver: a request waits 0.8 s and is not repeated. One missed answer may be a lost
frame, so the unit is asked again at its next turn; from the second in a row it rests 2 s, then 4, 8 ... 60 s. Units in
doubt (not heard yet, or silent at last) together get a fifth of the line's time while another unit is well.
"""

FIRST_REST_S = 2.0
LONGEST_REST_S = 60.0
DOUBT_SHARE = 0.2
"""The part of the line's time that units in doubt may use while another is well."""

WELL_FOR_S = 15.0
"""A unit that answered within this time is well."""


class Patience:
    """What is known of each unit's readiness to answer; times come from one monotonic clock, in seconds."""

    def __init__(self, doubt_share: float = DOUBT_SHARE) -> None:
        self._doubt_share = doubt_share
        self._misses: dict[int, int] = {}
        self._rests_until: dict[int, float] = {}
        self._heard: dict[int, float] = {}
        self._missed: dict[int, float] = {}
        self._doubt_until = 0.0

    def answered(self, unit: int, now: float) -> None:
        """The unit answered, be it by a refusal."""
        self._heard[unit] = now
        self._misses.pop(unit, None)
        self._rests_until.pop(unit, None)

    def missed(self, unit: int, now: float, spent_s: float) -> None:
        """The unit did not answer, and the line was held for `spent_s`."""
        if self.in_doubt(unit) and self._another_is_well(unit, now):
            self._doubt_until = now + spent_s * (1 / self._doubt_share - 1)
        self._missed[unit] = now
        misses = self._misses.get(unit, 0) + 1
        self._misses[unit] = misses
        if misses > 1:
            self._rests_until[unit] = now + min(LONGEST_REST_S, FIRST_REST_S * 2 ** min(misses - 2, 16))

    def heard(self, unit: int) -> bool:
        """Whether the unit ever answered."""
        return unit in self._heard

    def in_doubt(self, unit: int) -> bool:
        """Whether the unit was never heard, or missed its last request."""
        return not self.heard(unit) or unit in self._misses

    def misses(self, unit: int) -> int:
        """Requests in a row that the unit left unanswered."""
        return self._misses.get(unit, 0)

    def rest_s(self, unit: int, now: float) -> float:
        """How long the unit is left alone from now on; 0 when it may be asked."""
        return max(0.0, self._rests_until.get(unit, 0.0) - now)

    def hopeless(self, unit: int, now: float) -> bool:
        """Whether the unit has just been silent several times, so that even what is urgent need not be tried."""
        return self.misses(unit) > 1 and now - self._missed[unit] < FIRST_REST_S

    def doubt_s(self, unit: int, now: float) -> float:
        """How long a unit in doubt still waits for the sake of those that are well."""
        if not self.in_doubt(unit) or not self._another_is_well(unit, now):
            return 0.0
        return max(0.0, self._doubt_until - now)

    def forget(self, unit: int) -> None:
        """The unit is asked again at once, with a clean record."""
        self._misses.pop(unit, None)
        self._rests_until.pop(unit, None)

    def _another_is_well(self, unit: int, now: float) -> bool:
        return any(
            other != unit and other not in self._misses and now - heard < WELL_FOR_S
            for other, heard in self._heard.items()
        )
