"""What a conversion reports."""

from efi.conversion import Alias, LeniencyKind, LossKind

LABEL = LossKind(("storage_system_description",), "actuators.*.modes.*.label", "there is no room for it")
WHOLE = LossKind(("measurement",), "", "no such message")


def test_a_loss_names_the_places_on_the_way_to_it() -> None:
    loss = LABEL.at("fast", 0, 12)
    assert loss.path == "actuators.0.modes.12.label"
    assert loss.sentence == "actuators.0.modes.12.label is fast: there is no room for it"


def test_a_message_that_is_lost_as_a_whole_has_no_path() -> None:
    assert WHOLE.at(None).sentence == "no such message"


def test_what_was_forgiven_names_its_kind() -> None:
    kind = LeniencyKind("zoneless_time", "a time without a zone", "taken as UTC")
    forgiven = kind.at("/efiMessage/timestamp", "2016-01-01T00:00:00")
    assert forgiven.name == "zoneless_time"
    assert forgiven.sentence == "/efiMessage/timestamp is 2016-01-01T00:00:00: taken as UTC"


def test_a_name_that_is_written_differently_is_told_with_both() -> None:
    assert (
        Alias("actuators.0.actuator_id", "inverter", 7).sentence == "actuators.0.actuator_id: 'inverter' is written 7"
    )
