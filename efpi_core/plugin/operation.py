"""Operations: what a running instance does when a person asks for it, as pairing, discovering or testing a device."""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeGuard, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, SecretStr

DEADLINE_S = 30.0
"""How long an operation may take when its author says nothing."""

LONGEST_DEADLINE_S = 900.0
"""No caller waits for longer."""

LARGEST_VALUES = 64 * 1024
"""Bytes, as JSON, that the input or the output of a call may take."""


class OperationInput(BaseModel):
    """What a caller gives. Declare each field with `efpi_core.plugin.config.setting`, as those of a config."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


class OperationOutput(BaseModel):
    """What a caller is told. Declare each field with `efpi_core.plugin.config.setting`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Nothing(OperationInput):
    """The input of an operation that needs to be told nothing."""


class Done(OperationOutput):
    """The output of an operation that has nothing to tell but that it is done."""


SecretText = Annotated[SecretStr, Field(json_schema_extra={"secret": True})]
"""A secret that a caller gives, as a pairing code: masked in journal, log and errors, and read without an echo."""


class OperationCall(Protocol):
    """One call of an operation, as its plugin sees it."""

    @property
    def by(self) -> str:
        """Who asks."""

    @property
    def deadline_s(self) -> float:
        """How long the caller waits; the operation is cancelled then, and when he leaves before."""

    def tell(self, text: str) -> None:
        """Tell the caller how far it has come, in a sentence."""


ModelT = TypeVar("ModelT", bound=BaseModel)
PluginT = TypeVar("PluginT")
InputT = TypeVar("InputT", bound=OperationInput)
OutputT = TypeVar("OutputT", bound=OperationOutput)

Operation = Callable[[PluginT, InputT, OperationCall], Awaitable[OutputT]]
"""A method of a plugin's class: `async def pair(self, asked: PairInput, call: OperationCall) -> Paired`."""


@dataclass(frozen=True, slots=True)
class OperationFacts:
    """What the declaration of an operation says."""

    name: str
    title: str
    description: str
    deadline_s: float
    input_type: type[OperationInput]
    output_type: type[OperationOutput]
    method: Callable[..., Awaitable[Any]]


_MARK = "__efpi_operation__"


def operation(
    *, title: str, deadline_s: float = DEADLINE_S
) -> Callable[[Operation[PluginT, InputT, OutputT]], Operation[PluginT, InputT, OutputT]]:
    """Offer a method of a plugin's class to its people, under the method's name; its docstring is the description.

        @operation(title="Pair", deadline_s=60)
        async def pair(self, asked: PairInput, call: OperationCall) -> Paired:
            ...

    It runs beside the instance's handlers, one call of it at a time. RefusedError, SettingsError and TryAgainError
    reach the caller with their cures; whatever else it raises is told as the plugin's fault, and the instance goes on.
    """
    if not 0 < deadline_s <= LONGEST_DEADLINE_S:
        raise ValueError(f"a deadline is above 0 and at most {LONGEST_DEADLINE_S:g} s, not {deadline_s}")

    def mark(method: Operation[PluginT, InputT, OutputT]) -> Operation[PluginT, InputT, OutputT]:
        setattr(method, _MARK, (title, deadline_s))
        return method

    return mark


def operations_of(plugin_type: type) -> dict[str, OperationFacts]:
    """The operations that a plugin's class declares, by name, in the order of their declaration; bases first."""
    names = dict.fromkeys(name for base in reversed(plugin_type.__mro__) for name in vars(base))
    return {name: facts for name in names if (facts := _facts(name, getattr(plugin_type, name, None))) is not None}


def _facts(name: str, method: Any) -> OperationFacts | None:
    mark = getattr(method, _MARK, None)
    if mark is None:
        return None
    title, deadline_s = mark
    parameters = list(inspect.signature(method).parameters)
    hints = get_type_hints(method)
    told, answered = hints.get(parameters[1]) if len(parameters) == 3 else None, hints.get("return")
    if _is_model(told, OperationInput) and _is_model(answered, OperationOutput):
        return OperationFacts(name, title, inspect.getdoc(method) or "", deadline_s, told, answered, method)
    raise TypeError(
        f"the operation '{name}' is not declared as (self, asked: AnOperationInput, call: OperationCall) -> "
        "AnOperationOutput"
    )


def _is_model(hint: Any, wanted: type[ModelT]) -> TypeGuard[type[ModelT]]:
    return isinstance(hint, type) and issubclass(hint, wanted)


def secrets_in(value: object) -> Iterator[str]:
    """The secrets within an input, however deep, so that they can be masked in what is told of it."""
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case BaseModel():
            for _, each in value:
                yield from secrets_in(each)
        case dict():
            for each in value.values():
                yield from secrets_in(each)
        case list() | tuple() | set() | frozenset():
            for each in value:
                yield from secrets_in(each)
