"""Time cut into equal slots: the grid on which sampled quantities hold."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slots:
    """Slots aligned to the epoch."""

    seconds: float
    """Length of a slot, s."""

    def __post_init__(self) -> None:
        """Refuse slots without a length."""
        if self.seconds <= 0.0:
            raise ValueError(f"a slot lasts {self.seconds} s; give a length above zero")

    def end(self, t: float) -> float:
        """The end of the slot that holds `t`; always later than `t`."""
        end = (t // self.seconds + 1.0) * self.seconds
        return end if end > t else end + self.seconds

    def middle(self, t: float) -> float:
        """The middle of the slot that holds `t`."""
        return (t // self.seconds + 0.5) * self.seconds
