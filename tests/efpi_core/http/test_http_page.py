"""The live page is made of files that lie here, without anything from elsewhere and without inline script or style."""

import re
from pathlib import Path

import pytest

from efpi_core.http.page import FILES, STATIC
from tests.support.http_world import served


async def test_the_page_and_all_it_names_are_served(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        page = await house.get("/")
        named = re.findall(rb'(?:src|href)="(/[^"#]+)"', page.body)
        answers = {path.decode(): (await house.get(path.decode())).status for path in named}
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert {"/static/page.css", "/static/page.js", "/static/icon.svg"} <= set(answers)
    assert set(answers.values()) == {200}


async def test_a_file_that_did_not_change_is_not_sent_again(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        tag = (await house.get("/static/page.js")).headers["etag"]
        again = await house.get("/static/page.js", If_None_Match=tag)
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("name", ["../page.py", "..%2fpage.py", "%2e%2e/page.py", "nothing.js", ""])
async def test_nothing_else_is_served_from_there(tmp_path: Path, name: str) -> None:
    async with served(tmp_path) as house:
        assert (await house.get(f"/static/{name}")).status == 404


def test_every_file_of_the_folder_is_on_the_list() -> None:
    assert {path.name for path in STATIC.iterdir()} == set(FILES)


def test_the_page_asks_nothing_of_other_addresses_and_holds_nothing_inline() -> None:
    for path in STATIC.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//[a-z0-9-]+\.[a-z]", text), path.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text), path.name
    page = (STATIC / "page.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|style=|\son[a-z]+=|<script(?![^>]*src=)", page)
