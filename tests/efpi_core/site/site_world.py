from collections.abc import Iterator

from efpi_core.site.document import Site
from efpi_core.site.loader import load_site
from efpi_core.site.problem import Problem, SiteError

HOUSE = """\
efpi: 1                       # the format
name: Elm Street 12
tariff:
  - {import_per_kwh: 0.30}
limits:
  fuse: {phases: 3, current_a: 25}
appliances:
  # the meter in the cellar
  meter:
    driver: p1
    config:
      port: '/dev/ttyUSB0'    # the blue cable
      baud: 115200
  pv-%n%: {driver: simulated.pv, count: 2, name: Roof %n%, config: {unit: "%n%", peak_w: 4000}}
apps:
  steering: {app: self_consumption}
connections: {pv-*: null}
"""


def site(text: str) -> Site:
    return load_site(text).site


def problems(text: str) -> tuple[Problem, ...]:
    """What is wrong with a document; it must be something."""
    try:
        load_site(text, "house.yaml")
    except SiteError as error:
        return error.problems
    raise AssertionError("the document was accepted")


def where(text: str) -> Iterator[tuple[int | None, int | None, str]]:
    """Line, column and path of each mistake."""
    for problem in problems(text):
        yield problem.line, problem.column, str(problem.path and ".".join(map(str, problem.path)))
