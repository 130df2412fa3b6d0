"""The document itself: what its models take, and that its page tells all of it."""

import json
import re
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efi.commodity import Phase
from efpi_core.plugin.limits import LimitSource
from efpi_core.site.document import Site
from efpi_core.site.expand import all_instances, instances
from efpi_core.site.loader import load_kept_site, load_site, load_site_file
from efpi_core.site.problem import SiteError
from efpi_core.site.schema import site_schema
from efpi_core.site.wiring import WantedConnection, wanted_connection
from tests.efpi_core.site.site_world import HOUSE, problems, site, where

PAGE = Path(__file__).parents[3] / "docs" / "site.md"


def examples() -> list[str]:
    found: list[str] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return found


def test_the_pages_example_is_a_site_as_shown() -> None:
    (example,) = examples()
    shown = site(example)
    assert [spec.instance for spec in instances(shown)] == ["meter", "inverter", "steering"]
    assert [spec.instance for spec, enabled in all_instances(shown) if not enabled] == [
        "radiator-1",
        "radiator-2",
        "radiator-3",
    ]


def test_the_page_names_every_key_of_the_document() -> None:
    text = PAGE.read_text()
    definitions = [site_schema(), *site_schema()["$defs"].values()]  # type: ignore[union-attr]  # a JSON object
    keys = {key for part in definitions for key in part.get("properties", {})}  # type: ignore[union-attr]  # objects
    assert len(keys) > 25
    assert {key for key in keys if not re.search(rf"\b{key}\b", text)} == set()


def test_every_key_has_a_title_and_a_description() -> None:
    schema = site_schema()
    for name, part in {"Site": schema, **schema["$defs"]}.items():  # type: ignore[dict-item]  # a JSON object
        for key, described in part.get("properties", {}).items():  # type: ignore[union-attr]  # objects
            assert described.get("title") and described.get("description"), f"{name}.{key}"


def test_only_the_format_must_be_said() -> None:
    empty = site("efpi: 1")
    assert instances(empty) == ()
    assert empty.grid_limits() == ()
    assert empty.facts().time_zone == "UTC"
    assert where("name: x").__next__() == (1, 1, "efpi")


def test_a_newer_format_is_refused_with_the_cure() -> None:
    (problem,) = problems("efpi: 2")
    assert "format 1, not 2" in problem.problem and "update efpi" in problem.cure


def test_a_site_survives_its_json_form() -> None:
    for text in (HOUSE, *examples()):
        loaded = load_site(text)
        assert Site.model_validate(loaded.site.model_dump(mode="json", by_alias=True)) == loaded.site
        kept = load_kept_site(text, json.loads(json.dumps(loaded.data)))
        assert (kept.site, kept.text) == (loaded.site, text)


def test_a_file_is_read_with_its_name_in_the_errors(tmp_path: Path) -> None:
    path = tmp_path / "house.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + HOUSE.encode())
    assert load_site_file(path).site.name == "Elm Street 12"
    path.write_text("efpi: 1\nnam: x\n")
    with pytest.raises(Exception, match=rf"^{re.escape(str(path))}: line 2, column 1: nam: .*did you mean 'name'"):
        load_site_file(path)
    path.write_bytes(b"efpi: 1\nname: \xff\n")
    with pytest.raises(Exception, match="byte 14 is not UTF-8; save the file as UTF-8"):
        load_site_file(path)
    with pytest.raises(Exception, match="no such file"):
        load_site_file(tmp_path / "other.yaml")
    with pytest.raises(Exception, match="cannot be read"):
        load_site_file(tmp_path)


# --- tariff


def test_bands_become_the_prices_that_plugins_are_told() -> None:
    prices = (
        site(
            """\
efpi: 1
tariff:
  - {import_per_kwh: 0.30, export_per_kwh: -0.01, from: "22:30", to: "06:00", days: [sat, sun]}
  - {import_per_kwh: "0.123456", days: fri-mon}
"""
        )
        .facts()
        .prices
    )
    assert (prices[0].import_per_kwh, prices[0].export_per_kwh) == (Decimal("0.3"), Decimal("-0.01"))
    assert (prices[0].start, prices[0].end, prices[0].weekdays) == (1350, 360, (5, 6))
    assert (prices[1].import_per_kwh, prices[1].start, prices[1].end) == (Decimal("0.123456"), 0, 1440)
    assert prices[1].weekdays == (0, 4, 5, 6)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("weekend", (5, 6)),
        ("weekdays", (0, 1, 2, 3, 4)),
        ("daily", (0, 1, 2, 3, 4, 5, 6)),
        ("mon, WED ,fri-sun", (0, 2, 4, 5, 6)),
        ("wed-wed", (2,)),
        ("[tue, thu-fri]", (1, 3, 4)),
    ],
)
def test_days_are_written_as_people_do(days: str, expected: tuple[int, ...]) -> None:
    text = days if days.startswith("[") else f'"{days}"'
    prices = site(f"efpi: 1\ntariff: [{{import_per_kwh: 1, days: {text}}}]").facts().prices
    assert prices[0].weekdays == expected


@pytest.mark.parametrize(
    "band",
    [
        "{days: mon}",
        "{import_per_kwh: x}",
        "{import_per_kwh: 1, days: []}",
        "{import_per_kwh: 1, days: 3}",
        "{import_per_kwh: 1, from: '7:00'}",
        "{import_per_kwh: 1, to: '24:01'}",
        "{import_per_kwh: 1, days: monday}",
        "{import_per_kwh: 1, from: 700}",
        "{import_per_kwh: 1e9}",
        "{import_per_kwh: true}",
    ],
)
def test_a_wrong_band_is_refused_in_its_line(band: str) -> None:
    (found,) = where(f"efpi: 1\ntariff:\n  - {band}\n")
    assert found[0] == 3 and found[2].startswith("tariff.0")


# --- limits


def test_a_fuse_bounds_each_phase_and_the_sum_both_ways() -> None:
    bounds = {
        bound.phase: (bound.lower_w, bound.upper_w)
        for bound in site("efpi: 1\nlimits: {fuse: {phases: 3, current_a: 25}}").grid_limits()
    }
    assert bounds == {
        None: (-17250.0, 17250.0),
        Phase.L1: (-5750.0, 5750.0),
        Phase.L2: (-5750.0, 5750.0),
        Phase.L3: (-5750.0, 5750.0),
    }


def test_a_single_phase_has_one_bound() -> None:
    (bound,) = site("efpi: 1\nlimits: {fuse: {phases: 1, power_w: 9200}}").grid_limits()
    assert (bound.limit_id, bound.source, bound.phase, bound.lower_w, bound.upper_w) == (
        "site.fuse",
        LimitSource.FUSE,
        None,
        -9200.0,
        9200.0,
    )


def test_contract_feed_in_and_wiring_are_bounds_of_their_own() -> None:
    bounds = site(
        "efpi: 1\nlimits: {import_w: 9000, export_w: 0, "
        "appliances: {car: {consumption_w: 3700}, pv: {production_w: 5000}}}"
    ).grid_limits()
    assert [(bound.limit_id, bound.lower_w, bound.upper_w, bound.appliance_id) for bound in bounds] == [
        ("site.import", None, 9000.0, None),
        ("site.export", 0.0, None, None),
        ("site.appliance.car", None, 3700.0, "car"),
        ("site.appliance.pv", -5000.0, None, "pv"),
    ]


@pytest.mark.parametrize(
    "limits",
    [
        "{fuse: {phases: 3}}",
        "{fuse: {phases: 3, current_a: 25, power_w: 1}}",
        "{fuse: {phases: 2, current_a: 1}}",
        "{import_w: 0}",
        "{import_w: -1}",
        "{export_w: -1}",
        "{fuse: 25}",
        "{appliances: {'a b': {}}}",
        "{export_w: '1 kW'}",
    ],
)
def test_a_wrong_limit_is_refused(limits: str) -> None:
    assert problems(f"efpi: 1\nlimits: {limits}\n")[0].line == 2


# --- instances


def test_an_entry_with_a_count_is_written_out() -> None:
    first, second = instances(site(HOUSE))[1:3]
    assert (first.instance, second.instance) == ("pv-1", "pv-2")
    assert (first.kind, first.offer, first.hosted, first.name) == ("driver", "simulated.pv", True, "Roof 1")
    assert second.config == {"unit": "2", "peak_w": 4000}
    assert second.path == ("appliances", "pv-%n%")


def test_a_counted_entry_without_the_sign_gets_its_number_at_the_end() -> None:
    text = 'efpi: 1\nappliances: {pv: {driver: x, count: 2, config: {a: ["%n%", {"k%n%": "p-%n%-%n%"}], b: 1}}}'
    found = instances(site(text))
    assert [spec.instance for spec in found] == ["pv-1", "pv-2"]
    assert found[1].config == {"a": ["2", {"k2": "p-2-2"}], "b": 1}


def test_without_a_count_the_sign_in_a_setting_is_left_alone() -> None:
    (spec,) = instances(site('efpi: 1\nappliances: {pv: {driver: x, config: {a: "%n%"}}}'))
    assert spec.config == {"a": "%n%"}


def test_an_app_is_an_instance_like_a_driver() -> None:
    (spec,) = instances(site("efpi: 1\napps: {steering: {app: self_consumption, run: inline, config: {x: 1}}}"))
    assert (spec.kind, spec.offer, spec.hosted, spec.config) == ("app", "self_consumption", False, {"x": 1})
    assert spec.path == ("apps", "steering")


@pytest.mark.parametrize(
    ("entries", "line", "path", "says"),
    [
        (
            "appliances:\n  pv: {driver: x, count: 2}\n  pv-2: {driver: x}\n",
            4,
            "appliances.pv-2",
            "also made by appliances.pv",
        ),
        ("appliances:\n  a1: {driver: x}\napps:\n  a1: {app: x}\n", 5, "apps.a1", "also made by appliances.a1"),
        ("appliances:\n  pv-%n%: {driver: x}\n", 3, "appliances.pv-%n%", "no count"),
        ("appliances:\n  a%n%b: {driver: x, count: 10000}\n  c: {driver: x}\n", 4, "appliances.c", "does not fit"),
        (f"appliances:\n  {'a' * 30}: {{driver: x, count: 3}}\n", 3, f"appliances.{'a' * 30}", "too long"),
        (
            "appliances:\n  aa: {driver: x, count: 10000}\n  bb: {driver: x, count: 10000}\n  cc: {driver: x}\n",
            5,
            "appliances.cc",
            "20000 instances",
        ),
        (
            "apps:\n  steering: {app: x}\nconnections:\n  pv-*: steerin\n",
            5,
            "connections.pv-*",
            "did you mean 'steering'?",
        ),
        ("appliances:\n  m1:\n", 3, "appliances.m1", "nothing: should be a mapping of settings"),
        ("appliances:\n  m1: [p1]\n", 3, "appliances.m1", "a list: should be a mapping of settings"),
        ("limits: 3\n", 2, "limits", "3: should be a mapping of settings"),
        ("appliances:\n  pv: {driver: x}\nconnections:\n  car: pv\n", 5, "connections.car", "there is none"),
        (
            "apps:\n  steering: {app: x, count: 2}\nconnections:\n  car: steering\n",
            5,
            "connections.car",
            "did you mean",
        ),
    ],
)
def test_entries_that_do_not_fit_together_are_told_by_line(entries: str, line: int, path: str, says: str) -> None:
    (problem,) = problems(f"efpi: 1\n{entries}")
    assert problem.line == line
    assert ".".join(map(str, problem.path)) == path
    assert says in str(problem)


# --- connections and wishes


def test_a_full_name_comes_before_a_pattern_and_the_first_pattern_before_the_next() -> None:
    wired = site(
        """\
efpi: 1
apps: {one: {app: x}, two: {app: x}}
connections: {"pv-*": one, "pv-?": two, pv-3: two, "*-x": null}
"""
    )
    assert wanted_connection(wired, "pv-1") == WantedConnection("one", "pv-*")
    assert wanted_connection(wired, "pv-3") == WantedConnection("two", "pv-3")
    assert wanted_connection(wired, "car-x") == WantedConnection(None, "*-x")
    assert wanted_connection(wired, "car") is None


def test_wishes_are_told_as_words_to_whoever_reads_them() -> None:
    facts = site(
        """\
efpi: 1
preferences: {goal: lowest_cost, reserve: 20, quiet: true, factor: 0.5}
comfort: {"car-*": {ready_by: "07:30", at_least: 50}, car-2: {at_least: 90}, "car-?": {at_least: 10, mood: eco}}
"""
    ).facts()
    assert facts.preferences == {"goal": "lowest_cost", "reserve": "20", "quiet": "yes", "factor": "0.5"}
    assert facts.wishes_for("car-1") == {"ready_by": "07:30", "at_least": "50", "mood": "eco"}
    assert facts.wishes_for("car-2") == {"ready_by": "07:30", "at_least": "90", "mood": "eco"}
    assert facts.wishes_for("boiler") == {}


# --- every mistake


def test_every_mistake_of_a_document_is_told_at_once_with_line_column_and_key() -> None:
    text = """\
efpi: 1
nam: x
name: 5
location: {latitude: 100}
time_zone: Mars/Base
currency: euro
appliances:
  meter: {config: {}}
  "1x": {driver: p1}
  bat: {driver: simulated.battery, run: outside, count: 0, confg: {}}
  pv: {driver: x, config: 7}
connections: {a: 3}
preferences: {Goal: x}
"""
    assert list(where(text)) == [
        (2, 1, "nam"),
        (3, 7, "name"),
        (4, 1, "location.longitude"),
        (4, 22, "location.latitude"),
        (5, 12, "time_zone"),
        (6, 11, "currency"),
        (8, 3, "appliances.meter.driver"),
        (9, 9, "appliances.1x"),
        (10, 41, "appliances.bat.run"),
        (10, 57, "appliances.bat.count"),
        (10, 60, "appliances.bat.confg"),
        (11, 27, "appliances.pv.config"),
        (12, 18, "connections.a"),
        (13, 21, "preferences.Goal"),
    ]
    said = [str(problem) for problem in problems(text)]
    assert said[0] == "line 2, column 1: nam: there is no such key; did you mean 'name'?"
    assert "put it into quotes" in said[1]
    assert "write hosted or inline" in said[8]
    assert all("; " in line for line in said), "a mistake without a cure"


def test_what_yaml_refuses_and_what_the_models_refuse_is_told_together() -> None:
    assert list(where("efpi: 1\nname: .nan\nefpi: 1\nnam: x\n")) == [(2, 7, "name"), (3, 1, "efpi"), (4, 1, "nam")]


@pytest.mark.parametrize("text", ["", "# nothing", "- 1", "word", "null", "[]"])
def test_a_document_that_is_no_mapping_is_refused(text: str) -> None:
    assert "begin it with `efpi: 1`" in problems(text)[0].cure


# --- plugins' settings


PLUGIN_SCHEMA = {
    "properties": {
        "port": {"type": "string", "description": "The device.", "examples": ["/dev/ttyUSB0"]},
        "line": {"$ref": "#/$defs/Line"},
    },
    "additionalProperties": False,
    "$defs": {"Line": {"properties": {"baud": {"type": "integer"}}, "additionalProperties": False}},
}


def test_a_plugins_complaint_is_told_at_the_line_of_the_setting() -> None:
    text = """\
efpi: 1
appliances:
  meter:
    driver: p1
    config:
      prt: /dev/ttyUSB0
      line:
        baud: many
"""
    document = load_site(text)
    (spec,) = instances(document.site)
    found = document.config_problems(
        spec,
        [
            {"type": "missing", "loc": ("port",), "msg": "Field required", "input": {}},
            {"type": "extra_forbidden", "loc": ("prt",), "msg": "Extra inputs are not permitted", "input": "x"},
            {"type": "int_parsing", "loc": ("line", "baud"), "msg": "Input should be a valid integer", "input": "many"},
            {"type": "value_error", "loc": (), "msg": "port and line do not fit; take another line", "input": {}},
        ],
        PLUGIN_SCHEMA,  # type: ignore[arg-type]  # a JSON object
    )
    assert list(map(str, found)) == [
        "line 5, column 5: appliances.meter.config.port: it is missing; add `port:`, as '/dev/ttyUSB0' (The device)",
        "line 6, column 7: appliances.meter.config.prt: there is no such key; did you mean 'port'?",
        "line 8, column 15: appliances.meter.config.line.baud: 'many': should be a valid integer; change it",
        "line 6, column 7: appliances.meter.config: port and line do not fit; take another line",
    ]


def test_a_complaint_about_one_of_many_alike_leads_to_their_entry() -> None:
    text = 'efpi: 1\nappliances:\n  pv: {driver: x, count: 3, config: {unit: "u%n%"}}\n'
    document = load_site(text)
    errors = [{"type": "int_parsing", "loc": ("unit",), "msg": "Input should be a valid integer", "input": "u2"}]
    (problem,) = document.config_problems(instances(document.site)[1], errors)
    assert (problem.line, problem.column, problem.path) == (3, 44, ("appliances", "pv", "config", "unit"))


def test_the_schema_takes_what_the_loader_takes_with_the_plugins_settings() -> None:
    schema = site_schema({"p1": PLUGIN_SCHEMA}, {"self_consumption": {"properties": {"x": {"type": "integer"}}}})  # type: ignore[dict-item]  # JSON
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)

    def accepted(text: str) -> bool:
        return bool(check.is_valid(load_site(text).data))

    def meter(rest: str) -> str:
        return f"efpi: 1\nappliances: {{meter: {{driver: p1{rest}}}}}"

    assert all(accepted(text) for text in (HOUSE.replace("baud", "line").replace("115200", "{}"), *examples()))
    assert accepted(meter(", config: {port: x, line: {baud: 3}}"))
    assert not accepted(meter(", config: {port: x, line: {baud: fast}}"))
    assert not accepted(meter(", config: {prt: x}"))
    assert accepted(meter(', count: 2, config: {port: "%n%", line: {baud: "%n%"}}'))
    assert accepted("efpi: 1\nappliances: {meter: {driver: other, config: {prt: x}}}")
    assert not accepted("efpi: 1\napps: {a1: {app: self_consumption, config: {x: y}}}")
    assert not check.is_valid({"efpi": 1, "nam": "x"})
    assert not check.is_valid({"name": "x"})
    assert not check.is_valid({"efpi": 1, "appliances": {"meter": {"config": {}}}})


DAMAGE = st.lists(
    st.tuples(
        st.integers(0, len(HOUSE)),
        st.integers(0, 12),
        st.sampled_from(
            ["", "\n", ":", "- ", "{", "]", "'", "&x ", "*x", "!t ", "\t", "%n%", "null", "1e5", "#", "\ufeff"]
        ),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(DAMAGE)
def test_a_site_that_was_damaged_anywhere_is_read_or_refused_with_lines(damage: list[tuple[int, int, str]]) -> None:
    text = HOUSE
    for start, length, instead in damage:
        text = text[:start] + instead + text[start + length :]
    try:
        load_site(text)
    except SiteError as error:
        assert all(problem.line is not None and problem.problem for problem in error.problems), str(error)
