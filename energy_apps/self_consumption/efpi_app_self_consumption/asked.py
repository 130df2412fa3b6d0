"""What a lever was asked to do, how it answered, and how long a change of mind has lasted."""

from dataclasses import dataclass

from efpi_app_self_consumption.lever import Patience

ANSWER_S = 30.0
"""So long, beyond its processing delay, an appliance may take to answer."""

JUST_ASKED_S = 10.0
"""So long after an order, beyond the processing delay, its mode is believed rather than what the appliance says."""

TRUSTED_S = 90.0
"""So long after an accepted order the appliance may still say that it runs in its old mode."""

FOLLOWS = 0.7
"""A lever that draws less than this share of what was asked cannot take more at present."""

TRIED_AGAIN_S = 600.0
"""Then a lever that took less than asked is asked for more again."""


RESTLESS_S = 3600.0
"""Switching on more than twice within so long asks for more patience each time."""

LONGEST_PATIENCE_S = 900.0


@dataclass(slots=True)
class Order:
    """The last thing that was asked of a lever."""

    allocation_id: str
    mode_id: str
    factor: float | None
    power_w: float
    at_s: float
    reason: str
    answered: bool = False
    ended: bool = False
    """Whether it was refused, given up or replaced."""


class LeverMemory:
    """What is remembered of one lever between decisions."""

    __slots__ = ("_starts", "_wish", "_wish_since_s", "for_need", "least_taken_w", "limited_until_s", "order")

    def __init__(self) -> None:
        self.order: Order | None = None
        self._starts: tuple[float, ...] = ()
        self._wish: bool | None = None
        self._wish_since_s = 0.0
        self.least_taken_w = 0.0
        self.limited_until_s = 0.0
        self.for_need = False
        """Whether it was switched on since it had to be."""

    def wishes(self, on: bool | None, now_s: float) -> bool:
        """Note whether the lever would be switched on, or off, if patience allowed; None: it may stay as it is.

        The answer is whether that is another wish than before.
        """
        if on != self._wish:
            self._wish = on
            self._wish_since_s = now_s
            return True
        return False

    @property
    def wishing(self) -> bool:
        """Whether it would be switched if patience allowed."""
        return self._wish is not None

    def switched_on(self, now_s: float) -> None:
        """Note that it is switched on."""
        self._starts = (*(start for start in self._starts if start > now_s - RESTLESS_S), now_s)

    def _start_patience_s(self, now_s: float, start_s: float) -> float:
        """How long it must be worthwhile before it is switched on: longer, the more restless the last hour was."""
        recent = sum(1 for start in self._starts if start > now_s - RESTLESS_S)
        return min(start_s * 2.0 ** max(recent - 1, 0), LONGEST_PATIENCE_S)

    def patience(self, now_s: float, start_s: float, stop_s: float) -> Patience:
        """Whether a wish has lasted long enough."""
        lasted = now_s - self._wish_since_s if self._wish is not None else -1.0
        start_s = self._start_patience_s(now_s, start_s)
        return Patience(
            may_start=start_s <= 0.0 or (self._wish is True and lasted >= start_s),
            may_stop=stop_s <= 0.0 or (self._wish is False and lasted >= stop_s),
        )

    def marks_s(self, delay_s: float, start_s: float, stop_s: float) -> tuple[float, ...]:
        """The instants at which something of this changes by time alone, in s since 1970."""
        marks: tuple[float, ...] = (self.limited_until_s,)
        if self.order is not None:
            asked = self.order.at_s + delay_s
            marks += (asked + JUST_ASKED_S, asked + ANSWER_S, self.order.at_s + TRUSTED_S)
        if self._wish is not None:
            wait = self._start_patience_s(self._wish_since_s, start_s) if self._wish else stop_s
            marks += (self._wish_since_s + wait,)
        return marks

    def waits_for_answer(self, now_s: float, delay_s: float) -> bool:
        """Whether the last order has not been answered yet, in reasonable time."""
        order = self.order
        return order is not None and not order.answered and not order.ended and now_s < order.at_s + delay_s + ANSWER_S

    def overdue(self, now_s: float, delay_s: float) -> bool:
        """Whether the last order was never answered."""
        order = self.order
        return order is not None and not order.answered and not order.ended and now_s >= order.at_s + delay_s + ANSWER_S

    def standing(self, now_s: float) -> Order | None:
        """The order that holds though the appliance may not have said so yet."""
        order = self.order
        return order if order is not None and not order.ended and now_s < order.at_s + TRUSTED_S else None

    def took(self, power_w: float, now_s: float) -> bool:
        """What the lever draws, settled: when it is much less than asked, it cannot take more for a while.

        The answer is whether that is news.
        """
        order = self.order
        if order is None or order.ended or order.factor is None or order.power_w <= 0.0:
            return False
        if power_w >= FOLLOWS * order.power_w or now_s < self.limited_until_s:
            return False
        self.least_taken_w = max(power_w, 0.0)
        self.limited_until_s = now_s + TRIED_AGAIN_S
        return True

    def most_w(self, now_s: float) -> float:
        """The most that the lever takes at present, W."""
        return self.least_taken_w * 1.1 + 50.0 if now_s < self.limited_until_s else float("inf")
