"""The live page, and the files that it is made of."""

import hashlib
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from efpi_core.http.problem import problem

STATIC = Path(__file__).parent / "static"

FILES = {
    "page.html": "text/html; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "house.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""The files of the page and what they are; nothing else is served from the folder."""


@cache
def _content(name: str) -> tuple[bytes, str]:
    content = (STATIC / name).read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:16]}"'


def _file(request: Request, name: str) -> Response:
    content, tag = _content(name)
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=FILES[name])


async def page(request: Request) -> Response:
    """GET /: how the house is doing, live."""
    return _file(request, "page.html")


async def page_file(request: Request) -> Response:
    """GET /static/{name}: what the page needs."""
    name = request.path_params["name"]
    if name not in FILES:
        return problem(404, f"there is no file '{name[:60]}'")
    return _file(request, name)
