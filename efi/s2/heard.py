"""What was heard lately of the other side, so that what comes twice is answered twice and done once."""

from collections import OrderedDict

from efi.s2.conversation import ReceptionStatus


class HeardMessages:
    """The messages that were taken lately, by their names, and what they were answered; at most `most`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: OrderedDict[str, tuple[int, ReceptionStatus]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def answer_to(self, name: str, digest: int) -> ReceptionStatus | None:
        """What the very same message was answered before; None for another one, of the same name or not."""
        before = self._answers.get(name)
        return before[1] if before is not None and before[0] == digest else None

    def remember(self, name: str, digest: int, answer: ReceptionStatus) -> None:
        """A message was taken."""
        self._answers.pop(name, None)
        self._answers[name] = digest, answer
        if len(self._answers) > self._most:
            self._answers.popitem(last=False)

    def forget(self) -> None:
        """What comes from now on is new, even in the very same words."""
        self._answers.clear()
