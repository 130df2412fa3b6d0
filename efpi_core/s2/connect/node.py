"""A node of this endpoint, as S2 Connect sees it, and which of two nodes serves the session."""

from dataclasses import dataclass, field

from efpi_core.s2.connect.code import TokenDesk
from efpi_core.s2.connect.wire import Deployment, NodeDescription, Role

PROTOCOLS = ("WebSocket",)
HASHINGS = ("SHA256",)

MESSAGE_VERSIONS = ("v1.0.0", "v0.0.2-beta")
"""The S2 messages that are spoken here, the best first; compared without a leading `v`, since three spellings occur."""


@dataclass(slots=True)
class LocalNode:
    """One node that is offered for pairing here."""

    description: NodeDescription
    alias: str | None = None
    """By which a pairing code names it, where the endpoint has several."""
    tokens: TokenDesk = field(default_factory=TokenDesk)
    versions: tuple[str, ...] = MESSAGE_VERSIONS


def serves(role: Role, deployment: Deployment, other: Deployment) -> bool:
    """Whether a node is the communication server against another: one in the WAN is, and else the CEM."""
    if deployment is not other:
        return deployment is Deployment.WAN
    return role is Role.CEM


def common_version(ours: tuple[str, ...], theirs: tuple[str, ...]) -> str | None:
    """The version that both speak, the best of ours, spelled as the other spells it; None when there is none."""
    spelled = {version.removeprefix("v"): version for version in reversed(theirs)}
    return next((spelled[known] for version in ours if (known := version.removeprefix("v")) in spelled), None)
