"""Time cut into equal slots: the grid on which sampled quantities hold."""


class Slots:
    """Slots of `seconds`, aligned to the epoch."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        if seconds <= 0.0:
            raise ValueError(f"a slot lasts {seconds} s; give a length above zero")
        self.seconds = seconds

    def end(self, t: float) -> float:
        """The end of the slot that holds `t`; always later than `t`."""
        end = (t // self.seconds + 1.0) * self.seconds
        return end if end > t else end + self.seconds

    def middle(self, t: float) -> float:
        """The middle of the slot that holds `t`."""
        return (t // self.seconds + 0.5) * self.seconds
