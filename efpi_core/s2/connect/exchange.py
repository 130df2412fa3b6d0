"""Requests and answers as the state machines see them, whatever carries them."""

from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from efi.repeated_key import repeated_key
from efpi_core.s2.connect.wire import LARGEST_BODY, to_wire

BodyT = TypeVar("BodyT", bound=BaseModel)


class UnreadableError(Exception):
    """A body is not what the protocol says; the text names the place, and holds nothing of what came."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request."""

    method: str
    path: str
    """Without what follows a `?`."""
    body: bytes = field(default=b"", repr=False)
    bearer: str | None = field(default=None, repr=False)
    content_type: str = ""
    address: str = ""
    """Where it comes from."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer."""

    status: int
    body: bytes = field(default=b"", repr=False)

    @classmethod
    def of(cls, body: BaseModel, status: int = 200) -> "Answer":
        """An answer with a body."""
        return cls(status, to_wire(body))


def read(kind: type[BodyT], body: bytes) -> BodyT:
    """A body; UnreadableError when it is none of that kind."""
    if len(body) > LARGEST_BODY:
        raise UnreadableError(f"{len(body)} bytes; {LARGEST_BODY} may be")
    try:
        found = kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        path = ".".join(str(part) for part in first["loc"])[:200]
        raise UnreadableError(f"{path or 'the body'}: {first['msg'].removeprefix('Value error, ')}") from None
    if (repeated := repeated_key(body)) is not None:
        raise UnreadableError(f"{repeated[:200]} stands twice")
    return found
