"""What the gateway knows of a plugin without importing it: the description that its package carries as data."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from efpi_core.plugin.categories import Category
from efpi_core.plugin.operation import DEADLINE_S, LONGEST_DEADLINE_S

PLUGIN_API = (1, 0)
"""Version of what a plugin's author imports: equal majors work together, a plugin may ask for no newer minor."""

MOST_OPERATIONS = 50
"""Operations that one offer may have."""

_Line = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1F\x7F]*$")]
_Text = Annotated[str, StringConstraints(max_length=8000)]


class OfferKind(StrEnum):
    """What a plugin's class is."""

    DRIVER = "driver"
    """Speaks to appliances."""
    APP = "app"
    """Uses the freedom of appliances."""


class OperationOffer(BaseModel):
    """What a running instance does when a person asks for it."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
    """As "pair"."""
    title: _Line
    """Its name for people."""
    description: _Text = ""
    """What it does, for people."""
    deadline_s: Annotated[float, Field(gt=0, le=LONGEST_DEADLINE_S)] = DEADLINE_S
    """How long it may take."""
    input_schema: dict[str, JsonValue] = Field(default_factory=dict)
    """JSON Schema of what it is given, with the keywords `unit`, `secret` and `role`."""
    output_schema: dict[str, JsonValue] = Field(default_factory=dict)
    """JSON Schema of what it answers."""


class Offer(BaseModel):
    """One driver or app that a plugin offers; a site asks for it by name."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$", max_length=64)]
    """As "p1" or "simulated.battery"."""
    kind: OfferKind
    title: _Line
    """Its name for people."""
    description: _Text = ""
    """What it does, for people."""
    categories: tuple[Category, ...] = ()
    """Of a driver: what its appliances may be; of an app: what it controls. Empty when it is not known beforehand."""
    config_schema: dict[str, JsonValue] = Field(default_factory=dict)
    """JSON Schema of its settings, with the keywords `unit`, `secret` and `role`."""
    own_checks: bool = False
    """Whether its settings have checks written in Python, which only a process of its own may run."""
    memory_mb: Annotated[int, Field(ge=8, le=65536)] = 256
    """What one instance may take of memory (PSS) before it counts as leaking."""
    cpu_share: Annotated[float, Field(gt=0, le=64)] = 0.5
    """What one instance may take of one core, over half a minute, before it is throttled."""
    operations: Annotated[tuple[OperationOffer, ...], Field(max_length=MOST_OPERATIONS)] = ()
    """What a person can have done by a running instance of it."""


class PluginDescription(BaseModel):
    """All that one installed plugin tells of itself; the content of its `plugin.json`."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    format: Literal[1] = 1
    """Of this document."""
    api: tuple[int, int] = PLUGIN_API
    """The version of the plugin API for which it was made."""
    distribution: _Line
    """The package by which it is installed."""
    version: _Line
    """Of that package."""
    module: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$")]
    """The module that hands over its classes."""
    offers: tuple[Offer, ...]
