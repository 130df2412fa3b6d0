"""The profiles of S2: the versions of the message set that a session can agree on."""

from enum import StrEnum


class Profile(StrEnum):
    """A version of S2's message set, as its protocol version is written in a Handshake.

    They differ in demand-driven control only: 0.0.2-beta tells the present demand in DDBC.SystemDescription, 1.0.0 in a
    message of its own, DDBC.PresentDemandStatus.
    """

    BETA = "0.0.2-beta"
    """What s2-python, s2-rust and FlexMeasures speak."""
    V1 = "1.0.0"
    """The first released version."""
