"""The ground types of S2: frozen values, identifiers, timestamps, durations and numbers as the wire has them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from efi.types import IDENTIFIER_PATTERN


class S2Model(BaseModel):
    """A frozen value of S2, as its JSON schema has it: unknown properties are refused, absent ones are None.

    A null is read as an absent property and is never written. Attributes bear the wire's names, its misspelt ones too;
    where Python does not allow a name, or the wire capitalises one, the attribute has an alias.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        defer_build=True,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


class S2Message(S2Model):
    """One message of S2."""

    message_type: str
    """Names the kind of message."""


ID = Annotated[str, StringConstraints(strict=True, pattern=IDENTIFIER_PATTERN)]
"""2 to 64 letters, digits, `-`, `_` or `:`; mostly a UUID."""


class NamedMessage(S2Message):
    """A message that the other side acknowledges with a ReceptionStatus: every one but the ReceptionStatus itself."""

    message_id: ID
    """Names this message; its ReceptionStatus quotes it."""


Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""Any finite number; its unit stands with the field."""

DATE_TIME_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})$"
)
"""RFC 3339 §5.6, and what peers write beside it: no seconds where they are zero, an offset without its colon."""


class _DateTime:
    """Reads an RFC 3339 date-time with its offset; pydantic alone would take the text "1577836800" for one, too."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        read = core_schema.chain_schema(
            [
                core_schema.str_schema(pattern=DATE_TIME_PATTERN, strict=True),
                core_schema.datetime_schema(tz_constraint="aware"),
            ]
        )
        return core_schema.json_or_python_schema(
            core_schema.custom_error_schema(
                read,
                "timestamp",
                custom_error_message="it is no instant with its offset from UTC; write it like 2026-03-29T01:00:00Z",
            ),
            core_schema.datetime_schema(tz_constraint="aware"),
        )


def _whole(value: float) -> int:
    if not value.is_integer():
        raise PydanticCustomError("not_whole", "it is not a whole number; round it")
    return int(value)


class _WholeMilliseconds:
    """Reads what JSON schema calls an integer: 1000, and also 1000.0."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.union_schema(
            [
                core_schema.int_schema(ge=0, strict=True),
                core_schema.no_info_after_validator_function(
                    _whole, core_schema.float_schema(ge=0, strict=True, allow_inf_nan=False)
                ),
            ],
            mode="left_to_right",
            custom_error_type="duration_type",
            custom_error_message="it is no length of time; write a whole number of milliseconds, 0 or more",
        )


Timestamp = Annotated[datetime, _DateTime()]
"""An instant with its offset from UTC, in whole microseconds."""

Milliseconds = Annotated[int, _WholeMilliseconds()]
"""A length of time in whole milliseconds, 0 or more."""
