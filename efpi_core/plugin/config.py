"""Settings of a plugin: one declaration from which form, command line, documentation and redaction come."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints


class PluginConfig(BaseModel):
    """The settings of one instance. Declare each with `setting`; an unknown or wrong one is refused by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


SecretName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"), Field(json_schema_extra={"secret": True})
]
"""The name of a secret. The site holds the name; the value comes with `context.secret(name)`."""


def setting(
    default: Any = ...,
    *,
    title: str,
    description: str = "",
    unit: str | None = None,
    example: Any = None,
    role: str | None = None,
    **bounds: Any,
) -> Any:
    """Declare one setting of a plugin's config model.

    `unit` is the SI unit of a number. `role` tells a form what to offer: "serial_port", "host", "port", "file".
    `bounds` are pydantic's (ge, gt, le, lt, min_length, pattern …).
    """
    extra: dict[str, JsonValue] = {name: value for name, value in (("unit", unit), ("role", role)) if value is not None}
    return Field(
        default,
        title=title,
        description=description or None,
        examples=None if example is None else [example],
        json_schema_extra=extra,
        **bounds,
    )
