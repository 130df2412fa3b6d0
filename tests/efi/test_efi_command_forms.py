"""`efi validate` and `efi convert` over files of every wire form."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from efi.__main__ import main
from efi.command.house import write_house
from efi.command.report import told_losses
from efi.commodity import electric_range
from efi.conversion import Loss
from efi.messages import dump_message, parse_message
from efi.output_adjustable import OutputAdjustableMode, OutputAdjustableSystemDescription
from efi.storage import LeakageElement, StorageLeakageUpdate
from efi.types import NumberRange
from efi.xml.codec import Generation
from efi.xml.names import NameTable
from efi.xml.schema.official import FILES
from tests.efi.house import (
    NOON,
    battery_allocation,
    battery_description,
    battery_registration,
    battery_state,
    measurement,
    stamp,
)

EXAMPLES = Path(__file__).parent / "xml" / "fixtures" / "interim"

CONVERSATION = (battery_registration(), battery_description(), battery_state(), measurement())


@pytest.fixture
def conversation(tmp_path: Path) -> Path:
    path = tmp_path / "conversation.jsonl"
    path.write_bytes(b"".join(dump_message(message) + b"\n" for message in CONVERSATION))
    return path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def write(path: Path, text: str | bytes) -> str:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


# Validation -----------------------------------------------------------------------------------------------------------


def test_a_folder_of_documents_is_looked_through(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = told(capsys, "validate", "-v", str(EXAMPLES))
    number = len(list(EXAMPLES.glob("*.xml")))
    assert code == 0
    assert out.count(": valid, interim ") == number
    assert err == f"{number} files: {number} valid\n"
    code, _, err = told(capsys, "validate", str(EXAMPLES / "storage*.xml"))
    assert code == 0
    assert "valid" in err


def test_a_pattern_and_a_folder_that_mean_nothing_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = told(capsys, "validate", str(tmp_path / "*.xml"))
    assert code == 2
    assert "no file fits this pattern" in err


def test_an_invalid_document_is_told_by_path_value_and_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (EXAMPLES / "storageStateUpdate.xml").read_text().replace("45.5", "full")
    code, out, _ = told(capsys, "validate", write(tmp_path / "bad.xml", text))
    assert code == 1
    first = out.splitlines()[0]
    assert first.startswith(f"{tmp_path}/bad.xml: [not_a_number] efiMessage/storageStateUpdate/currentFillLevel is ")
    assert "'full'" in first


def test_warnings_are_mistakes_only_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    example = str(EXAMPLES / "controlSpaceRevoke.xml")
    code, out, err = told(capsys, "validate", example)
    assert (code, err) == (0, "")
    assert out.startswith(f"{example}: warning [zoneless_time] ")
    assert told(capsys, "validate", "--strict", example)[0] == 1


def test_what_is_valid_and_fits_into_no_message_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (EXAMPLES / "storageStateUpdate.xml").read_text().replace("45.5", "NaN")
    path = write(tmp_path / "odd.xml", text)
    code, out, _ = told(capsys, "validate", path)
    assert code == 0
    assert "warning [number_out_of_range]" in out
    assert told(capsys, "validate", "--strict", path)[0] == 1
    code, out, err = told(capsys, "convert", "--to", "json", path)
    assert (code, out) == (1, "")
    assert "number_out_of_range" in err


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("cut.xml", b"<efi:efiMessage xmlns:efi='http://www.flexiblepower.org/efi'>", "not_well_formed"),
        ("bomb.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document_type"),
        ("style.xml", b'<?xml-stylesheet href="a.xsl"?><a/>', "processing_instruction"),
        ("none.xml", b"", "empty"),
        ("none.jsonl", b"\n \n", "empty"),
        ("text.json", b"hello", "json_invalid"),
    ],
)
def test_bytes_that_are_in_no_form_are_unreadable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, rule: str
) -> None:
    code, out, err = told(capsys, "validate", write(tmp_path / name, content))
    assert code == 2
    assert f"[{rule}]" in out + err


def test_xml_of_another_namespace_is_readable_and_no_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = write(tmp_path / "other.xml", b"<html xmlns='http://www.w3.org/1999/xhtml'/>")
    code, out, _ = told(capsys, "validate", page)
    assert code == 1
    assert "[unknown_namespace]" in out


def test_s2_is_valid_in_the_profile_that_takes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demand = {
        "message_type": "DDBC.PresentDemandStatus",
        "message_id": "6e6d5f4a-0d0a-4e34-8e2b-6c1d1ad3f6b7",
        "present_demand_rate": {"start_of_range": 1.0, "end_of_range": 1.0},
    }
    status = {"message_type": "FRBC.StorageStatus", "message_id": "aa", "present_fill_level": 1}
    lines = [demand, status, {**status, "present_fill_level": "full"}, {**status, "message_type": "FRBC.Wish"}]
    path = write(tmp_path / "s2.jsonl", "\n".join(map(json.dumps, lines)))
    code, out, _ = told(capsys, "validate", "-v", path)
    assert code == 1
    said = out.splitlines()
    assert said[0].endswith(":1: valid, s2 DDBC.PresentDemandStatus (1.0.0)")
    assert "FRBC.StorageStatus (1.0.0, 0.0.2-beta)" in out
    assert any(line.startswith(f"{path}:3: [") for line in said)
    assert any(line.startswith(f"{path}:4: [") for line in said)


def test_json_may_stand_over_many_lines_and_in_lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = json.dumps(json.loads(dump_message(battery_state())), indent=2)
    assert told(capsys, "validate", write(tmp_path / "one.json", f"\ufeff{one}"))[0] == 0
    several = f"[\n{one},\n{one.replace('idle', '?')}]"
    code, out, _ = told(capsys, "validate", write(tmp_path / "list.json", several))
    assert code == 1
    assert out.startswith(f"{tmp_path}/list.json#2: [")
    cut = f"{one[:50]}\n{dump_message(battery_state()).decode()}\n"
    code, out, _ = told(capsys, "validate", "-v", write(tmp_path / "cut.jsonl", cut))
    assert code == 2
    assert "valid, json storage_state_update" in out


def test_all_that_is_known_is_told_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(EXAMPLES / "controlSpaceRevoke.xml", tmp_path / "a.xml")
    write(tmp_path / "b.xml", "<efi")
    code, out, _ = told(capsys, "validate", "--json", str(tmp_path), str(tmp_path / "nothing"))
    facts = json.loads(out)
    assert code == 2
    assert facts["valid"] is False
    assert [each["valid"] for each in facts["messages"]] == [True, False]
    assert facts["messages"][0]["form"] == "interim"
    assert facts["messages"][0]["message"] == "controlSpaceRevoke"
    assert facts["messages"][0]["leniencies"][0]["name"] == "zoneless_time"
    assert facts["messages"][1]["refusals"][0]["rule"] == "not_well_formed"
    assert facts["unreadable"][0]["file"].endswith("nothing")


# Conversion -----------------------------------------------------------------------------------------------------------

SCHEMAS = {"interim": "efi-interim-2016.xsd", "2.0": "efi-2.0.xsd"}


@pytest.mark.parametrize("form", SCHEMAS)
def test_a_conversation_goes_into_xml_and_comes_back(
    form: str, conversation: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = tmp_path / "names.txt"
    arguments = ("convert", "--to", form, "--names", str(names), str(conversation))
    code, out, err = told(capsys, *arguments)
    assert code == 0
    assert "lost: name is Battery" in err or form == "2.0"
    assert f"{conversation}:2: name: actuators.0.actuator_id: 'inverter' is written " in err
    path = write(tmp_path / "documents.xml", out)
    schema = etree.XMLSchema(etree.parse(FILES / SCHEMAS[form]))
    documents = [f"<?xml{part}" for part in out.split("<?xml") if part]
    assert len(documents) == len(CONVERSATION)
    for document in documents:
        schema.assertValid(etree.fromstring(document.encode()))
    code, out, _ = told(capsys, "convert", "--to", "json", "--names", str(names), path)
    assert code == 0
    back = [parse_message(line) for line in out.splitlines()]
    assert [message.type for message in back] == [message.type for message in CONVERSATION]
    state = back[2].model_dump()
    assert state == CONVERSATION[2].model_dump()


@pytest.mark.parametrize("form", SCHEMAS)
def test_what_a_form_tells_within_another_message_is_written_so(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    still = LeakageElement(fill_level_range=NumberRange(lower=0, upper=1), rate=1e-6)
    leakage = StorageLeakageUpdate(**stamp(), valid_from=NOON, elements=(still,))
    lines = b"".join(dump_message(each) + b"\n" for each in (battery_description(), leakage, battery_state()))
    code, out, err = told(capsys, "convert", "--to", form, write(tmp_path / "leaking.jsonl", lines))
    assert code == 0
    assert out.count("<?xml") == 2
    assert "leakage" in out
    assert "written anew" not in err
    assert "leaking.jsonl:1 and " in err


def test_documents_go_into_a_folder(conversation: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out" / "xml"
    code, out, _ = told(capsys, "convert", "--to", "2.0", "--out", str(folder), str(conversation))
    assert (code, out) == (0, "")
    assert len(list(folder.glob("*.xml"))) == len(CONVERSATION)
    assert told(capsys, "validate", "-v", str(folder))[0] == 0
    write(tmp_path / "file", "")
    code, _, err = told(capsys, "convert", "--to", "2.0", "--out", str(tmp_path / "file"), str(conversation))
    assert code == 2
    assert "cannot be written" in err


def test_an_appliance_becomes_an_s2_device_and_an_appliance_again(
    conversation: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = told(capsys, "convert", "--to", "s2", str(conversation))
    assert code == 0
    types = [json.loads(line)["message_type"] for line in out.splitlines()]
    assert types[:2] == ["ResourceManagerDetails", "FRBC.SystemDescription"]
    assert "PowerMeasurement" in types
    assert out == told(capsys, "convert", "--to", "s2", str(conversation))[1]
    path = write(tmp_path / "s2.jsonl", out)
    assert told(capsys, "validate", path)[0] == 0
    code, out, err = told(capsys, "convert", "--to", "json", "--fill-level-unit", "kWh", path)
    assert code == 0
    back = [parse_message(line).model_dump() for line in out.splitlines()]
    assert [each["type"] for each in back[:2]] == ["storage_registration", "storage_system_description"]
    assert back[0]["fill_level_unit"] == "kWh"
    assert "available_control_types" in err


def test_what_rests_on_a_session_is_not_made_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    allocation = write(tmp_path / "asked.jsonl", dump_message(battery_allocation("id-1")))
    code, out, err = told(capsys, "convert", "--to", "s2", allocation)
    assert (code, out) == (1, "")
    assert "in a session with the device alone" in err
    status = {"message_type": "FRBC.StorageStatus", "message_id": "aa", "present_fill_level": 1}
    code, out, err = told(capsys, "convert", "--to", "json", write(tmp_path / "s2.json", json.dumps(status)))
    assert (code, out) == (1, "")
    assert "device_unknown" in err


def test_losses_and_documents_are_told_as_json(conversation: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = told(capsys, "convert", "--to", "interim", "--json", str(conversation))
    assert (code, err) == (0, "")
    documents: list[dict[str, Any]] = json.loads(out)["documents"]
    assert len(documents) == len(CONVERSATION)
    assert documents[0]["lost"][0]["path"] == "name"
    assert documents[0]["written"][0].startswith("<?xml")
    assert {"path", "name", "written"} == set(documents[1]["aliases"][0])


def test_gas_is_converted_with_its_calorific_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (EXAMPLES / "inFlexibileMeasurement.xml").read_text()
    text = text.replace("ELECTRICITY", "GAS").replace(">-1.5<", ">35.17<")
    path = write(tmp_path / "gas.xml", text)
    code, _, err = told(capsys, "convert", "--to", "json", path)
    assert code == 1
    assert "[gas_in_watt]" in err
    code, out, _ = told(capsys, "convert", "--to", "json", "--calorific-value", "35170000", path)
    assert code == 0
    assert '"value":0.001' in out
    with pytest.raises(SystemExit):
        main(["convert", "--to", "json", "--calorific-value", "1e3", path])
    assert "calorific value" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["charge 1", "1", "99999999999 aa", "1 a", "1 aa\n1 bb", "1 aa\n2 aa"])
def test_a_file_of_names_that_is_none_is_refused(
    line: str, conversation: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = write(tmp_path / "names.txt", f"{line}\n")
    code, out, err = told(capsys, "convert", "--to", "2.0", "--names", names, str(conversation))
    assert (code, out) == (2, "")
    assert err.startswith(f"{names}:")
    assert Path(names).read_text() == f"{line}\n"


def test_names_are_kept_for_another_day(conversation: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = tmp_path / "names.txt"
    told(capsys, "convert", "--to", "2.0", "--names", str(names), str(conversation))
    kept = dict(reversed(line.split()) for line in names.read_text().splitlines())
    assert int(kept["charge"]) == NameTable().number("charge")


def test_what_is_lost_in_many_places_alike_is_told_once() -> None:
    losses = [Loss(f"elements.{place}.values.0", place, "phases are not told") for place in range(36)]
    losses += [Loss("elements.0.values.0", 0, "phases are not told"), Loss("name", "x", "there is no room")]
    assert told_losses(losses) == [
        "elements.0.values.0 is 0: phases are not told (and 35 more)",
        "name is x: there is no room",
    ]


def test_what_is_exported_is_read_without_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mode = OutputAdjustableMode(mode_id="01", power=electric_range(1000.0))
    now = datetime(2026, 3, 29, tzinfo=UTC)
    described = OutputAdjustableSystemDescription(
        message_id="m1", appliance_id="lamp", timestamp=now, valid_from=now, modes=(mode,)
    )
    for generation in Generation:
        folder = tmp_path / generation.value
        write_house(folder, {"lamp": [described]}, generation)
        assert told(capsys, "validate", "--strict", str(folder))[0] == 0
