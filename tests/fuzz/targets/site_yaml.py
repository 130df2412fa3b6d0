"""The site document: any bytes of a file or a request, read, checked, written out, kept and edited."""

import json
from itertools import islice

from efpi_core.errors import SettingsError
from efpi_core.site.diff import diff_sites
from efpi_core.site.edit import set_value
from efpi_core.site.expand import all_instances
from efpi_core.site.loader import load_kept_site, load_site
from efpi_core.site.problem import MOST_PROBLEMS, SiteError
from efpi_core.site.wiring import wanted_connection
from tests.fuzz.target import Target


def feed(data: bytes) -> None:
    """A document is a site whose data can be kept, or a list of mistakes with their places and cures."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        loaded = load_site(text)
    except SiteError as error:
        assert 0 < len(error.problems) <= 2 * MOST_PROBLEMS + 1
        json.dumps([problem.as_json() for problem in error.problems], allow_nan=False)
        assert str(error) and all(problem.problem for problem in error.problems)
        return
    kept = json.loads(json.dumps(loaded.data, allow_nan=False).encode())
    again = load_kept_site(text, kept)
    assert again.site == loaded.site and not diff_sites(loaded.site, again.site)
    loaded.site.facts()
    loaded.site.grid_limits()
    for spec, _ in islice(all_instances(loaded.site), 20):
        json.dumps(spec.config, allow_nan=False)
        wanted_connection(loaded.site, spec.instance)
    try:
        edited = set_value(text, ("name",), "Home: 'sweet' # home")
    except SettingsError:
        return
    assert load_site(edited).site.name == "Home: 'sweet' # home"


TARGET = Target(
    "site_yaml",
    feed,
    words=(
        b"efpi: 1\n", b"appliances:\n", b"apps:\n", b"connections:\n", b"count: 10000\n", b"config: {", b"driver: p1",
        b"&a ", b"*a", b"<<: *a\n", b"!!python/object:os.system ", b"!<tag:x> ", b"? ", b": ", b"- ", b"|\n", b">-\n",
        b"---\n", b"...\n", b"%YAML 1.1\n---\n", b"%TAG ! x:\n---\n", b'"\\ud800"', b'"\\x9b"', b".inf", b".nan",
        b"0x" + b"f" * 40, b"1e999", b"\t", b"\xef\xbb\xbf", b"\xc2\x85", b"\xe2\x80\xa8", b"{a: b, a: c}", b"[[[[[[",
        b"tariff:\n", b"limits:\n", b"location: {latitude: ", b"time_zone: ../../etc/passwd\n", b"%n%", b"comfort:\n",
        b"#", b"'", b'"', b"\n  ", b"0o7", b"12:30:45", b"2020-01-01", b"no", b"~",
    ),
)  # fmt: skip
