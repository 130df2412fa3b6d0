"""Finding the base address and walking the chain, in good devices and in odd ones."""

import asyncio
from typing import Any

import pytest
from efpi_driver_sunspec.chain import BASES, MOST_MODELS, BaseSearch, Chain, walk
from efpi_driver_sunspec.errors import NotSunSpecError, UnitRefusedError, UnitSilentError
from hypothesis import given, settings
from hypothesis import strategies as st
from sunspec_devices import END, Image, ModelImage, common, hybrid, ieee1547, inverter_values


class Registers:
    """Readable registers from an address on; everything else is refused."""

    def __init__(self, base: int, registers: list[int], silent: frozenset[int] = frozenset()) -> None:
        self.base, self.registers, self.silent = base, registers, silent
        self.reads: list[tuple[int, int]] = []

    async def __call__(self, address: int, count: int) -> tuple[int, ...]:
        self.reads.append((address, count))
        if address in self.silent:
            raise UnitSilentError(1, 0.8)
        low = address - self.base
        if low < 0 or low + count > len(self.registers):
            raise UnitRefusedError(1, 2, "read")
        return tuple(self.registers[low : low + count])


def look(registers: Registers, **search: Any) -> Chain:
    async def both() -> Chain:
        base = await BaseSearch(1, **search).find(registers)
        return await walk(registers, base)

    return asyncio.run(both())


def chain_of(models: list[ModelImage], base: int = 40000, end: list[int] = END) -> Chain:
    image = Image(base, models, end)
    return look(Registers(base, image.registers))


@pytest.mark.parametrize("base", [40000, 0, 50000, 39999, 40001, 49999, 50001, 1])
def test_the_chain_is_found_at_each_base_and_one_beside_it(base: int) -> None:
    chain = chain_of(hybrid({}), base)
    assert chain.base == base
    assert [found.id for found in chain.models] == [1, 103, 120, 121, 122, 123, 124, 160]
    assert chain.remarks == ()


def test_a_configured_base_is_the_only_one_tried() -> None:
    registers = Registers(1234, Image(1234, hybrid({})).registers)
    assert look(registers, configured=1234).base == 1234
    with pytest.raises(NotSunSpecError, match="40000"):
        look(registers, configured=40000)


def test_a_device_without_the_marker_is_not_sunspec_and_the_addresses_are_named() -> None:
    with pytest.raises(NotSunSpecError, match=r"no SunSpec marker at 40000, 0, 50000, 39999") as caught:
        look(Registers(0, [0] * 60000))
    assert "base_address" in caught.value.cure


def test_a_device_that_is_silent_where_it_has_nothing_is_found_at_its_next_base() -> None:
    registers = Registers(50000, Image(50000, hybrid({})).registers, silent=frozenset({40000, 0}))
    search = BaseSearch(1)
    for _ in range(2):
        with pytest.raises(UnitSilentError):
            asyncio.run(search.find(registers))
    assert asyncio.run(search.find(registers)) == 50000
    assert [address for address, _ in registers.reads] == list(BASES)


def test_sections_begin_at_each_common_model() -> None:
    chain = chain_of(hybrid({"meter": True}))
    assert [[found.id for found in section] for section in chain.sections()] == [
        [1, 103, 120, 121, 122, 123, 124, 160],
        [1, 203],
    ]


def test_models_of_makers_and_of_the_future_are_stepped_over() -> None:
    chain = chain_of(
        [common("A", "B", "C"), ModelImage(64110, registers=12), ModelImage(790, registers=5), *hybrid({})[1:]]
    )
    assert [found.id for found in chain.models][:4] == [1, 64110, 790, 103]
    assert chain.remarks == ()


@pytest.mark.parametrize("wrong", [49, 51, 40, 0])
def test_a_wrong_length_is_set_right_by_the_standards(wrong: int) -> None:
    models = hybrid({})
    models[1] = ModelImage(103, inverter_values(), length=wrong)
    chain = chain_of(models)
    assert [found.id for found in chain.models] == [1, 103, 120, 121, 122, 123, 124, 160]
    assert chain.models[1].length == 50
    assert len(chain.remarks) == 1
    assert f"model 103 says {wrong} registers" in chain.remarks[0]


def test_the_short_common_model_of_older_devices_is_taken_as_it_is() -> None:
    models = hybrid({})
    models[0].registers = 65
    chain = chain_of(models)
    assert chain.models[0].length == 65
    assert chain.models[1].address == 40000 + 2 + 2 + 65
    assert chain.remarks == ()


def test_a_model_longer_than_the_standard_is_taken_at_its_own_length() -> None:
    models = ieee1547({})
    models[3].registers = 71
    chain = chain_of(models)
    assert [found.id for found in chain.models] == [1, 701, 702, 704, 713, 714]


def test_a_chain_without_an_end_ends_where_nothing_can_be_read() -> None:
    chain = chain_of(hybrid({}), end=[])
    assert [found.id for found in chain.models][-1] == 160
    assert "breaks off" in chain.remarks[0]


def test_a_chain_whose_end_is_refused_as_a_failure_is_believed_the_second_time() -> None:
    class Failing(Registers):
        async def __call__(self, address: int, count: int) -> tuple[int, ...]:
            if address + count > self.base + len(self.registers):
                raise UnitRefusedError(1, 4, "read")
            return await super().__call__(address, count)

    registers = Failing(40000, Image(40000, hybrid({}), []).registers)
    before: set[int] = set()
    with pytest.raises(UnitRefusedError):
        asyncio.run(walk(registers, 40000, before))
    chain = asyncio.run(walk(registers, 40000, before))
    assert [found.id for found in chain.models][-1] == 160


def test_an_end_of_a_single_register_is_an_end() -> None:
    chain = chain_of(hybrid({}), end=[0xFFFF])
    assert [found.id for found in chain.models][-1] == 160
    assert chain.remarks == ()


def test_a_chain_that_runs_into_nonsense_keeps_what_came_before() -> None:
    image = Image(40000, hybrid({}), [0x4242, 0x4242] + [0] * 200)
    chain = look(Registers(40000, image.registers))
    assert [found.id for found in chain.models][-1] == 160
    assert "breaks off" in chain.remarks[0]


def test_a_chain_at_the_end_of_all_addresses_does_not_run_over() -> None:
    models = [common("A", "B", "C"), ModelImage(64001, registers=65536 - 65000 - 2 - 68 - 2)]
    registers = Registers(65000, Image(65000, models, []).registers)
    chain = look(registers, configured=65000)
    assert [found.id for found in chain.models] == [1, 64001]
    assert max(address + count for address, count in registers.reads) <= 65536


def test_a_device_that_says_the_same_everywhere_is_not_followed_for_ever() -> None:
    class Parrot(Registers):
        async def __call__(self, address: int, count: int) -> tuple[int, ...]:
            self.reads.append((address, count))
            return (0x5375, 0x6E53) if address == 40000 else (1, 66)

    parrot = Parrot(0, [])
    chain = look(parrot)
    assert len(chain.models) == MOST_MODELS
    assert len(parrot.reads) < 2 * MOST_MODELS
    assert "not followed beyond" in chain.remarks[0]


@settings(max_examples=200)
@given(st.lists(st.sampled_from([0, 1, 2, 3, 50, 66, 103, 203, 701, 64001, 0xFFFF, 0x5375, 0x6E53]), max_size=300))
def test_no_content_makes_the_walk_fail_or_go_on_for_ever(content: list[int]) -> None:
    registers = Registers(40000, [0x5375, 0x6E53, *content])
    chain = asyncio.run(walk(registers, 40000))
    assert len(chain.models) <= MOST_MODELS
    assert len(registers.reads) <= 5 * MOST_MODELS + 10
