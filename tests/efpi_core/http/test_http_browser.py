"""The live page in a real browser: what people see, and that a device's text stays text."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.observation import Quality
from efpi_core.views import HealthView, InstanceState, InstanceView, PartHealth
from tests.support.chromium import Page, browser
from tests.support.http_world import APPLIANCES, HOSTILE, NOON, Beside, RecordedGateway, event

pytestmark = [pytest.mark.slow, pytest.mark.skipif(browser() is None, reason="no Chromium is installed")]

TEXT = "document.body.innerText"


class TroubledGateway(RecordedGateway):
    """A house in which much is not well."""

    def health(self) -> HealthView:
        parts = (PartHealth("state", ConditionState.DEGRADED, "", "the disk is full", "free some space"),)
        gone = InstanceView(
            "p1", "driver", "p1", InstanceState.QUARANTINED, ConditionState.OFFLINE, text=HOSTILE, cure="plug it in"
        )
        return HealthView("degraded", ("state",), "0.1.0", HOSTILE, 7, NOON, 12.5, parts, (gone,))


@contextmanager
def looking(gateway: RecordedGateway, home: Path, width: int = 1280, **looks: bool) -> Iterator[tuple[Page, Beside]]:
    house = Beside(gateway, home)
    house.begin()
    try:
        with Page(width, 800, **looks) as page:
            page.open(f"http://127.0.0.1:{house.port}/")
            page.wait_for("document.querySelectorAll('.card').length === 5")
            yield page, house
            assert page.troubles() == []
            assert {address.split("/")[2] for address in page.addresses()} == {f"127.0.0.1:{house.port}"}
    finally:
        house.end()


def test_the_page_shows_the_balance_each_appliance_and_who_is_in_control(tmp_path: Path) -> None:
    with looking(RecordedGateway(), tmp_path) as (page, _):
        text = page.wait_for(f"{TEXT}.includes('The sum is 0 W') && {TEXT}")
    assert "Test house" in text
    assert (
        "240 W from the grid + 3.00 kW produced = 1.50 kW into storages + 1.64 kW used + 100 W used elsewhere" in text
    )
    assert "62 %, charging 50%" in text
    assert "Steered by planner" in text
    assert "In the hands of the resident" in text
    assert "Charges from surplus until 14:00" in text
    assert "Not known now: washer" in text


def test_a_device_s_text_stays_text(tmp_path: Path) -> None:
    gateway = TroubledGateway(happened=[event(1, HOSTILE, "error", HOSTILE)])
    with looking(gateway, tmp_path) as (page, _):
        page.wait_for("document.querySelectorAll('#events li').length === 1")
        text = page.run(TEXT)
        images = page.run("document.querySelectorAll('img').length")
    assert text.count("<img src=x onerror=") >= 4
    assert images == 1


def test_what_is_not_well_stands_with_its_cure(tmp_path: Path) -> None:
    with looking(TroubledGateway(), tmp_path) as (page, _):
        troubles = page.run("document.getElementById('attention').innerText")
        state = page.run("document.getElementById('status').dataset.state")
    assert state == "degraded"
    for words in ("the disk is full", "free some space", "plug it in"):
        assert words in troubles


class AlikeGateway(RecordedGateway):
    """A house with two instances of one driver, both without their devices."""

    def health(self) -> HealthView:
        away = tuple(
            InstanceView(
                name, "driver", "s2", InstanceState.RUNNING, ConditionState.OFFLINE, text="nobody is there", title="S2"
            )
            for name in ("cellar", "roof")
        )
        return HealthView("degraded", ("cellar",), "0.1.0", "home", 7, NOON, 12.5, (), away)


def test_instances_of_one_driver_are_told_apart(tmp_path: Path) -> None:
    with looking(AlikeGateway(), tmp_path) as (page, _):
        page.wait_for("document.getElementById('attention').innerText.includes('nobody')")
        troubles = page.run("document.getElementById('attention').innerText")
    assert "S2 (cellar)" in troubles
    assert "S2 (roof)" in troubles


def test_a_change_is_shown_as_it_happens_and_an_old_value_turns_stale(tmp_path: Path) -> None:
    with looking(RecordedGateway(), tmp_path) as (page, house):
        house.tell("appliance", "pv", replace(APPLIANCES[1], power=-2500.0))
        page.wait_for(f"{TEXT}.includes('2.50 kW')")
        house.tell("appliance", "pv", replace(APPLIANCES[1], power_quality=Quality.STALE))
        page.wait_for("document.querySelectorAll('.card.stale').length === 1")
        page.wait_for(f"{TEXT}.includes('stale, ')")
        house.tell("appliance", "pv", replace(APPLIANCES[1], state="gone"))
        page.wait_for("document.querySelectorAll('.card').length === 4")


def test_one_trouble_stands_once_and_a_huge_power_stays_short(tmp_path: Path) -> None:
    with looking(TroubledGateway(), tmp_path, width=360) as (page, house):
        before = page.run("document.getElementById('attention').innerText").count(HOSTILE)
        same = replace(APPLIANCES[1], instance="p1", condition=ConditionState.OFFLINE, text=HOSTILE, power=-1e11)
        house.tell("appliance", "pv", same)
        page.wait_for(f"{TEXT}.includes('100 GW')")
        assert page.run("document.getElementById('attention').innerText").count(HOSTILE) == before
        assert page.run("document.documentElement.scrollWidth") <= 360


def test_the_page_says_when_the_gateway_is_gone(tmp_path: Path) -> None:
    house = Beside(RecordedGateway(), tmp_path)
    house.begin()
    with Page(800, 600) as page:
        page.open(f"http://127.0.0.1:{house.port}/")
        page.wait_for("document.getElementById('status')?.dataset.state === 'ok'")
        house.end()
        page.wait_for("document.getElementById('status').innerText.includes('Connection lost')")


@pytest.mark.parametrize("dark", [False, True])
def test_a_small_screen_needs_no_scrolling_sideways(tmp_path: Path, dark: bool) -> None:
    with looking(TroubledGateway(), tmp_path, width=360, dark=dark) as (page, _):
        assert page.run("document.documentElement.scrollWidth") <= 360


CONTRAST = """(() => {
  const luminance = (rgb) => {
    const linear = (c) => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
    const [r, g, b] = rgb.match(/[\\d.]+/g).map(Number).map(linear);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!colour.endsWith(', 0)')) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility()) continue;
    const [a, b] = [luminance(getComputedStyle(e).color), luminance(ground(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) poor.push(`${e.className || e.tagName} ${ratio.toFixed(2)}`);
  }
  return poor;
})()"""


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_stands_out_from_its_ground(tmp_path: Path, dark: bool) -> None:
    gateway = TroubledGateway(happened=[event(1, "a", "error", "b"), event(2, "c", "warning", "d"), event(3)])
    with looking(gateway, tmp_path, dark=dark) as (page, _):
        page.wait_for("document.querySelectorAll('#events li').length === 3")
        assert page.run(CONTRAST) == []


def test_the_page_has_names_for_those_who_cannot_see_it(tmp_path: Path) -> None:
    with looking(RecordedGateway(), tmp_path) as (page, _):
        tree = page.ask("Accessibility.getFullAXTree")["nodes"]
    named = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if "role" in node}
    assert ("heading", "Power now") in named
    assert ("heading", "Battery") in named
    assert any(role == "image" and name.startswith("Power comes from: grid 240 W") for role, name in named)
    assert ("link", "What Battery told") in named
    assert not any(role == "link" and not name for role, name in named)


def test_the_keyboard_reaches_the_appliances_first(tmp_path: Path) -> None:
    with looking(RecordedGateway(), tmp_path) as (page, _):
        for kind in ("keyDown", "keyUp"):
            page.ask("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        assert page.run("document.activeElement.innerText") == "To the appliances"
        assert page.run("document.activeElement.getBoundingClientRect().left >= 0")
