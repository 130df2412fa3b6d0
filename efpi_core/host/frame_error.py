"""What a peer did wrong on the wire between gateway and host."""

from efpi_core.errors import PluginFailure


class FrameError(PluginFailure):
    """The peer broke the rules of the wire.

    `rule` is a stable word: oversized, malformed, unknown_type, unfit or version.
    """

    def __init__(self, rule: str, problem: str, cure: str = "") -> None:
        super().__init__(problem, cure)
        self.rule = rule
