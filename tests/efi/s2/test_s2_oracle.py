"""s2-python reads what we read and refuses what we refuse, but for its known faults, each of which is shown here."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from s2python.s2_parser import S2Parser
from s2python.s2_validation_error import S2ValidationError

from efi.refusal import Refused
from efi.s2.codec import MessageRefused, dump, parse
from efi.s2.content import check_content
from efi.s2.profile import Profile
from tests.efi.s2 import messages_of_s2 as m
from tests.efi.s2.official_schema import official
from tests.efi.s2.sane import sane_documents_of

Document = dict[str, Any]

NAMES = sorted(official(Profile.BETA).messages)


def we_take(document: Document) -> bool:
    try:
        check_content(parse(json.dumps(document), Profile.BETA))
    except (MessageRefused, Refused):
        return False
    return True


def s2python_takes(document: Document) -> bool:
    try:
        S2Parser().parse_as_any_message(json.dumps(document))
    except S2ValidationError:
        return False
    return True


# The faults -----------------------------------------------------------------------------------------------------------


class Fault(NamedTuple):
    """One thing that s2-python 0.11 does otherwise than the schema has it."""

    what: str
    example: Callable[[], Document]
    takes: bool
    """Whether s2-python takes the example; we do the contrary."""


def document(message: Any) -> Document:
    """A message with UUIDs for all ids."""
    return with_uuids(json.loads(dump(message)))


def with_uuids(part: Any, key: str = "") -> Any:
    if isinstance(part, dict):
        return {name: with_uuids(value, name) for name, value in part.items()}
    if isinstance(part, list):
        return [with_uuids(value, key) for value in part]
    return str(uuid.uuid5(uuid.NAMESPACE_OID, part)) if is_id(key) and isinstance(part, str) else part


def is_id(key: str) -> bool:
    return key.lower().endswith("id") or key in ("from", "to", "start_timers", "blocking_timers", "operation_mode")


def changed(message: Any, *path: Any, to: Any = ...) -> Document:
    """A message with something else in one place, or nothing there."""
    whole = document(message)
    holder: Any = whole
    for key in path[:-1]:
        holder = holder[key]
    if to is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = to
    return whole


def demand_driven() -> Document:
    mode = {
        "Id": "on",
        "power_ranges": [{"start_of_range": 0, "end_of_range": 9, "commodity_quantity": "ELECTRIC.POWER.L1"}],
        "supply_range": {"start_of_range": 0, "end_of_range": 9},
        "abnormal_condition_only": False,
    }
    return with_uuids(
        {
            "message_type": "DDBC.SystemDescription",
            "message_id": "m1",
            "valid_from": "2026-03-29T01:00:00Z",
            "actuators": [
                {
                    "id": "pump",
                    "supported_commodites": ["ELECTRICITY"],
                    "operation_modes": [mode],
                    "transitions": [],
                    "timers": [],
                }
            ],
            "present_demand_rate": {"start_of_range": 1, "end_of_range": 2},
            "provides_average_demand_rate_forecast": False,
        }
    )


POWER_RANGES = ("actuators", 0, "operation_modes", 0, "elements", 0, "power_ranges")
SEQUENCE = ("power_sequences_containers", 0, "power_sequences", 0)


def in_phases() -> Document:
    ranges = [{"start_of_range": 0, "end_of_range": 9, "commodity_quantity": f"ELECTRIC.POWER.L{n}"} for n in (1, 2)]
    return changed(m.battery(), *POWER_RANGES, to=ranges)


FAULTS = [
    Fault("an id must be a UUID", lambda: json.loads(dump(m.level())), False),
    Fault("DDBC: supply_range must be a list", demand_driven, False),
    Fault(
        "PPBC: progress must be a UUID",
        lambda: changed(m.washing(), "sequence_container_status", 0, "progress", to=5000),
        False,
    ),
    Fault(
        "PPBC: max_pause_before may not be null",
        lambda: changed(m.wash(), *SEQUENCE, "max_pause_before", to=None),
        False,
    ),
    Fault("FRBC: one power range a commodity, so no phases beside each other", in_phases, False),
    Fault(
        "FRBC: a range for every supported commodity",
        lambda: changed(m.battery(), "actuators", 0, "supported_commodities", to=["ELECTRICITY", "GAS"]),
        False,
    ),
    Fault(
        "a power range may not fall",
        lambda: changed(m.heater(), "operation_modes", 0, "power_ranges", 0, "end_of_range", to=-9),
        False,
    ),
    Fault(
        "PEBC: an instruction needs no power_constraints_id", lambda: changed(m.curtail(), "power_constraints_id"), True
    ),
    Fault("PEBC: an instruction needs no power_envelopes", lambda: changed(m.curtail(), "power_envelopes"), True),
    Fault("PEBC: an instruction may have no envelope", lambda: changed(m.curtail(), "power_envelopes", to=[]), True),
    Fault(
        "PEBC: a limit range needs no abnormal_condition_only",
        lambda: changed(m.curtailment(), "allowed_limit_ranges", 0, "abnormal_condition_only"),
        True,
    ),
    Fault("a number may be true", lambda: changed(m.level(), "present_fill_level", to=True), True),
    Fault("a number may be text", lambda: changed(m.level(), "present_fill_level", to="5"), True),
    Fault("an instant may be a number", lambda: changed(m.measured(), "measurement_timestamp", to=5), True),
    Fault("a factor may lie beyond 1", lambda: changed(m.doing(), "operation_mode_factor", to=2), True),
    Fault("PEBC: the lower limit may lie above the upper", lambda: document(m.curtail(lower=2, upper=1)), True),
    Fault("PEBC: two envelopes may be of one quantity", lambda: document(m.curtail(envelopes=2)), True),
    Fault(
        "OMBC: a transition may lead nowhere",
        lambda: changed(m.heater(), "transitions", 0, "to", to=str(uuid.uuid4())),
        True,
    ),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what)
def test_a_known_fault_of_s2python_is_still_there(fault: Fault) -> None:
    example = fault.example()
    assert s2python_takes(example) is fault.takes
    assert we_take(example) is not fault.takes


def refused_for_a_fault(whole: Document) -> bool:
    """Whether s2-python refuses a document that makes sense, for one of its faults."""
    match whole["message_type"]:
        case "DDBC.SystemDescription":
            return True
        case "PPBC.PowerProfileStatus":
            return any("progress" in each for each in whole["sequence_container_status"])
        case "FRBC.SystemDescription":
            return not all(each_commodity_once(actuator) for actuator in whole["actuators"])
    return False


COMMODITIES = {"ELECTRIC": "ELECTRICITY", "NATURAL_GAS": "GAS", "HYDROGEN": "GAS", "HEAT": "HEAT", "OIL": "OIL"}


def each_commodity_once(actuator: Document) -> bool:
    supported = actuator["supported_commodities"]
    told = [
        [COMMODITIES[each["commodity_quantity"].partition(".")[0]] for each in element["power_ranges"]]
        for mode in actuator["operation_modes"]
        for element in mode["elements"]
    ]
    return len(set(supported)) == len(supported) and all(each.count(name) == 1 for each in told for name in supported)


# Both read alike ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=8)
@given(data=st.data())
def test_what_makes_sense_is_read_alike(name: str, data: st.DataObject) -> None:
    whole = with_uuids(data.draw(sane_documents_of(Profile.BETA, name)))
    assert we_take(whole)
    assert s2python_takes(whole) is not refused_for_a_fault(whole)
    if not refused_for_a_fault(whole):
        written = S2Parser().parse_as_any_message(json.dumps(whole)).to_json()
        assert parse(written, Profile.BETA) == parse(json.dumps(whole), Profile.BETA)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=8)
@given(data=st.data())
def test_what_is_broken_anywhere_is_refused_by_both(name: str, data: st.DataObject) -> None:
    whole = with_uuids(data.draw(sane_documents_of(Profile.BETA, name)))
    part = data.draw(st.sampled_from(list(containers_in(whole))))
    if isinstance(part, list):
        part.append([[]])
    else:
        wrong = data.draw(st.sampled_from(sorted({*part, "extra"} - {"message_type"})))
        part[wrong] = [[]] if wrong != "power_envelopes" else 7
    assert not we_take(whole)
    assert not s2python_takes(whole)


def containers_in(part: Any) -> Iterator[Any]:
    if isinstance(part, dict | list):
        yield part
        for each in part.values() if isinstance(part, dict) else part:
            yield from containers_in(each)
