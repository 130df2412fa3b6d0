"""Refusal: what was wrong with a message, by name, in a form that programs and people can use."""

from typing import Any, NamedTuple, NoReturn


class Refusal(NamedTuple):
    """One rule that a message broke."""

    rule: str
    """The rule's name, for programs: `update_not_live`."""
    path: str
    """The field, from the message inwards: `actuators.0.mode_id`; empty for the message as a whole."""
    value: Any
    """What stood there."""
    fact: str
    """What is wrong, in words."""
    cure: str
    """What the sender can do about it."""

    @property
    def sentence(self) -> str:
        """All of it for people, in one sentence."""
        where = "" if not self.path else f"{self.path}: " if self.value is None else f"{self.path} is {self.value}: "
        return f"{where}{self.fact}; {self.cure}"


class Refused(Exception):  # noqa: N818  # it carries a refusal and never leaves the session
    """Ends the judging of a message at the first rule that it breaks."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal


def refuse(rule: str, path: str, value: Any, fact: str, cure: str) -> NoReturn:
    """End the judging of a message: it broke a rule."""
    raise Refused(Refusal(rule, path, value, fact, cure))


def listed(names: Any) -> str:
    """Names for the reader of a refusal, at most a dozen."""
    known = sorted(str(name) for name in names)
    shown = ", ".join(known[:12]) or "(none)"
    return f"{shown}, and {len(known) - 12} more" if len(known) > 12 else shown
