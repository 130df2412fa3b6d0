"""What the declaration of an operation says, and what is no declaration."""

import json

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from efpi_core.errors import PluginFailure
from efpi_core.host.describe import describe_offer
from efpi_core.host.offer import Offer
from efpi_core.plugin.app import EnergyApp
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.operation import Done, Nothing, OperationCall, operation, operations_of, secrets_in
from tests.plugins.operating_plugin import Operating, PairInput


def test_an_offer_tells_its_operations_in_the_order_of_their_declaration() -> None:
    offer = describe_offer(Operating)
    names = [each.name for each in offer.operations]
    assert names[:4] == ["pair", "refuse", "later", "doubt"]
    pair = offer.operations[0]
    assert (pair.title, pair.deadline_s) == ("Pair", 60)
    assert pair.description == "Pair with another node.\n\nThe second paragraph says more."
    assert pair.input_schema["required"] == ["url", "code"]
    fields = pair.input_schema["properties"]
    assert fields["code"]["secret"] is True
    assert fields["wait_s"]["unit"] == "s"
    assert pair.output_schema["properties"]["node"]["title"] == "Node"


def test_an_offer_of_an_older_release_has_no_operations() -> None:
    told = json.loads(describe_offer(Operating).model_dump_json())
    del told["operations"]
    assert Offer.model_validate(told).operations == ()


def test_a_subclass_inherits_and_replaces_operations() -> None:
    class Base(EnergyApp[PluginConfig]):
        @operation(title="One")
        async def one(self, asked: Nothing, call: OperationCall) -> Done:
            """Of the base."""
            return Done()

    class Heir(Base):
        @operation(title="Other one")
        async def one(self, asked: Nothing, call: OperationCall) -> Done:
            """Of the heir."""
            return Done()

    assert [each.title for each in operations_of(Heir).values()] == ["Other one"]
    assert [each.title for each in operations_of(Base).values()] == ["One"]


def test_a_method_with_other_types_is_no_operation() -> None:
    class Wrong(EnergyApp[PluginConfig]):
        @operation(title="Wrong")  # type: ignore[arg-type]  # this is what is tested
        async def wrong(self, asked: int, call: OperationCall) -> Done:
            return Done()

    with pytest.raises(TypeError, match="'wrong' is not declared as"):
        operations_of(Wrong)


def test_a_name_that_is_none_is_refused_when_it_is_described() -> None:
    class Wrong(EnergyApp[PluginConfig]):
        """Has a name that no path may have."""

        offer_name = "wrong"
        title = "Wrong"

        @operation(title="Odd")
        async def Odd(self, asked: Nothing, call: OperationCall) -> Done:  # noqa: N802  # this is what is tested
            return Done()

    with pytest.raises((PluginFailure, ValidationError)):
        describe_offer(Wrong)


@pytest.mark.parametrize("deadline_s", [0, -1, 901, float("nan")])
def test_a_deadline_that_cannot_be_is_refused_at_once(deadline_s: float) -> None:
    with pytest.raises(ValueError, match="deadline"):
        operation(title="Slow", deadline_s=deadline_s)


def test_a_secret_is_in_no_representation_and_in_no_error() -> None:
    asked = PairInput.model_validate({"url": "https://a/", "code": "hunter22"})
    assert "hunter22" not in f"{asked!r} {asked}"
    with pytest.raises(ValidationError) as caught:
        PairInput.model_validate({"url": "https://a/", "code": ["hunter22"]})
    assert "hunter22" not in str(caught.value)


def test_secrets_are_found_however_deep() -> None:
    class Inner(BaseModel):
        one: SecretStr

    class Outer(BaseModel):
        listed: list[Inner]
        named: dict[str, SecretStr]

    outer = Outer(listed=[Inner(one=SecretStr("a"))], named={"x": SecretStr("b")})
    assert set(secrets_in(outer)) == {"a", "b"}
