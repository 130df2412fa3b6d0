"""From text to a site: read, validated, checked as a whole; every mistake with its line, its key and the cure."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue, ValidationError

from efpi_core.errors import SettingsError
from efpi_core.site.check import check_site
from efpi_core.site.document import Site
from efpi_core.site.expand import InstanceSpec
from efpi_core.site.explain import NO_SUCH_KEY, explain
from efpi_core.site.problem import Problem, SiteError
from efpi_core.site.schema import Schema, site_schema

if TYPE_CHECKING:
    from efpi_core.site.yaml_tree import YamlTree


LONGEST_FILE = 4 * 1024 * 1024
"""Bytes of a file that are looked at."""


class Source:
    """The text of a document, and where its parts stand; YAML is read only when somebody asks."""

    def __init__(self, text: str, file: str = "") -> None:
        self.text = text
        self.file = file

    @cached_property
    def tree(self) -> "YamlTree":
        """The text's values and their places."""
        from efpi_core.site.yaml_tree import read_yaml  # noqa: PLC0415  # ruamel.yaml costs 20 ms that a start can spare

        return read_yaml(self.text)

    def located(self, problem: Problem) -> Problem:
        """The problem with the line and column of its path, or of the nearest entry that encloses it."""
        place = self.tree.place(problem.path)
        if place is None:
            return problem
        at_key = problem.path not in self.tree.places or problem.problem == NO_SUCH_KEY
        line, column = (place.key_line, place.key_column) if at_key else (place.line, place.column)
        return Problem(problem.path, problem.problem, problem.cure, line, column)


class SiteDocument:
    """A site with the text that it was read from."""

    def __init__(self, site: Site, data: JsonValue, source: Source) -> None:
        self.site = site
        self.data = data
        """The text as plain values; kept beside it, so that a start need not read YAML."""
        self.source = source

    @property
    def text(self) -> str:
        """The document as its author wrote it."""
        return self.source.text

    def config_problems(
        self, spec: InstanceSpec, errors: Iterable[Mapping[str, Any]], schema: Schema | None = None
    ) -> list[Problem]:
        """Problems in the settings of an instance, from the errors of its plugin's model (`ValidationError.errors()`).

        `schema` is the JSON Schema of those settings; with it the cures know descriptions and near names.
        """
        problems = explain(errors, {**spec.config}, schema or {}, (*spec.path, "config"))
        return [self.source.located(problem) for problem in problems]


def load_site(text: str, file: str = "") -> SiteDocument:
    """Read a site. Raises SiteError with every mistake that was found."""
    source = Source(text, file)
    tree = source.tree
    if not tree.complete or not isinstance(tree.data, dict):
        what = "the document is empty" if tree.data is None else "the document is no mapping"
        raise SiteError(tree.problems or [Problem((), what, "begin it with `efpi: 1`", 1, 1)], file)
    try:
        site = Site.model_validate(tree.data)
    except ValidationError as error:
        told = {problem.path for problem in tree.problems}
        found = explain(error.errors(include_url=False), tree.data, site_schema())
        located = [source.located(problem) for problem in found if problem.path not in told]
        raise SiteError([*tree.problems, *located], file) from None
    problems = [*tree.problems, *map(source.located, check_site(site))]
    if problems:
        raise SiteError(problems, file)
    return SiteDocument(site, tree.data, source)


def load_kept_site(text: str, data: JsonValue) -> SiteDocument:
    """A site from the state database, which was read and checked before; reads no YAML.

    A site that this efpi does not accept any more is read from its text, so that the mistakes have their lines.
    """
    try:
        site = Site.model_validate(data)
    except ValidationError:
        return load_site(text)
    return SiteDocument(site, data, Source(text))


def load_site_file(path: FilePath) -> SiteDocument:
    """Read a site from a file. Raises SiteError for its mistakes, SettingsError when it cannot be read."""
    return load_site(read_site_text(path), str(path))


def read_site_text(path: FilePath) -> str:
    """A site file's text. Raises SettingsError when the file is not there, cannot be read or is not UTF-8."""
    try:
        with path.open("rb") as file:
            return file.read(LONGEST_FILE).decode("utf-8-sig")
    except FileNotFoundError:
        raise SettingsError(str(path), "there is no such file", "check the name; `efpi site show` prints one") from None
    except UnicodeDecodeError as error:
        raise SettingsError(str(path), f"byte {error.start} is not UTF-8", "save the file as UTF-8") from None
    except OSError as error:
        raise SettingsError(str(path), f"it cannot be read: {error.strerror}", "check its rights") from error
