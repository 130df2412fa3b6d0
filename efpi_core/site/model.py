"""The ground of the site's models: frozen, strict about what they do not know, with a cure in each of their errors."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from efpi_core.identity import INSTANCE_PATTERN

COUNTER = "%n%"
"""Stands for the number of each of many alike, in names and in every string of their settings."""

TEMPLATE_PATTERN = r"^[A-Za-z](?:[A-Za-z0-9_-]|%n%){1,30}$"
"""An instance's name, in which `%n%` may stand for its number."""

APPLIANCE_PATTERN = r"^[A-Za-z*?][A-Za-z0-9_*?-]{0,62}$"
"""An appliance's name, in which `*` stands for any letters and `?` for one."""


class SiteModel(BaseModel):
    """A part of the site document."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        defer_build=True,
        validate_by_name=True,
        validate_by_alias=True,
    )


def wrong(rule: str, message: str, **facts: Any) -> PydanticCustomError:
    """The error of a check of ours: its rule's name and a sentence that ends with the cure."""
    return PydanticCustomError(rule, message, facts)  # the message is built by our own checks


def _scalar_as_word(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int | float) else value


WISH_PATTERN = r"^[a-z][a-z0-9_]{0,63}$"
"""A wish's name."""

NAMING = {
    INSTANCE_PATTERN: "use 2 to 31 letters, digits, '-' or '_', and begin with a letter",
    TEMPLATE_PATTERN: "use 2 to 31 letters, digits, '-' or '_', and begin with a letter; %n% may stand for the number",
    APPLIANCE_PATTERN: "write an appliance's name; * may stand for any letters, ? for one",
    WISH_PATTERN: "use small letters, digits and '_', and begin with a letter",
}
"""The rule of each kind of name, for people."""

Wish = Annotated[str, BeforeValidator(_scalar_as_word), StringConstraints(max_length=200)]
"""A wish's value: a word or a number, kept as text."""

WishName = Annotated[str, StringConstraints(pattern=WISH_PATTERN)]
"""A wish's name, in small letters."""

InstanceName = Annotated[str, StringConstraints(pattern=INSTANCE_PATTERN)]
"""The name of one instance."""

InstanceTemplate = Annotated[str, StringConstraints(pattern=TEMPLATE_PATTERN)]
"""The name of one instance, or the template of many."""

AppliancePattern = Annotated[str, StringConstraints(pattern=APPLIANCE_PATTERN)]
"""The name of an appliance, or a pattern of names."""
