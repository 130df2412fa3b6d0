"""Reads YAML 1.2 into plain values, remembering where each stands. The text may come from anybody.

Values are made here, from the parser's events: so nothing is built that was not asked for, `no` stays a word, every
mistake is told with its place, and a document that grows by aliases is stopped while it grows.
"""

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import JsonValue
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from efpi_core.site.problem import MOST_PROBLEMS, Path, Problem

LONGEST_TEXT = 1024 * 1024
"""Characters that a document may have."""

MOST_NODES = 50_000
"""Keys and values that a document may come to, its aliases written out."""

MOST_CHARACTERS = 2 * LONGEST_TEXT
"""Characters that the keys and values may come to, its aliases written out: as they are where the site is kept."""

DEEPEST = 32
"""Levels that a document may be nested."""

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}|0o[0-7]{1,20}|0x[0-9a-fA-F]{1,15}")
_LONG_INTEGER = re.compile(r"[-+]?[0-9]{19,}|0o[0-7]{21,}|0x[0-9a-fA-F]{16,}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_UNFIT = re.compile("[\x00\ud800-\udfff]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands: its key, if it has one, and its value. Lines and columns count from 1."""

    key_line: int
    key_column: int
    line: int
    column: int


@dataclass(slots=True)
class YamlTree:
    """A document's values and their places."""

    data: JsonValue = None
    places: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    complete: bool = False
    """Whether it was read to its end; what could not be used is None."""

    def place(self, path: Path) -> Place | None:
        """Where a path stands, or the nearest that encloses it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path)


class _Weight(NamedTuple):
    """What a part of a document comes to, its aliases written out."""

    nodes: int
    characters: int


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come."""

    value: dict[str, JsonValue] | list[JsonValue]
    path: Path
    anchor: str | None
    begun_at: _Weight
    """What the document had come to when it began."""
    key: str | None = None
    key_mark: Any = None


class _Stop(Exception):  # noqa: N818  # no error: reading on is of no use
    """The document is beyond reading."""


def read_yaml(text: str) -> YamlTree:
    """Read a document. What is wrong with it is in the tree's `problems`; then its data may be incomplete."""
    if len(text) > LONGEST_TEXT:
        excess = f"the document has {len(text)} characters, more than {LONGEST_TEXT}"
        return YamlTree(problems=[Problem((), excess, "use count: for many alike")])
    reader = _Reader()
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            reader.take(event)
        reader.tree.complete = True
    except _Stop:
        pass
    except MarkedYAMLError as error:
        what = " ".join(str(part) for part in (error.context, error.problem) if part)
        reader.problem_at(error.problem_mark or error.context_mark, (), f"this is not YAML: {what}", _syntax_cure(what))
    except ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        what = f"the character U+{ord(text[error.position]):04X} may not stand in YAML"
        reader.tree.problems.append(Problem((), what, "delete it, or write it as \\u in double quotes", line, column))
    except (YAMLError, ValueError, IndexError, OverflowError) as error:
        reader.tree.problems.append(Problem((), f"this is not YAML: {error}", "check the document's beginning"))
    return reader.tree


def _syntax_cure(what: str) -> str:
    if "\\t" in what:
        return "indent with spaces, not with tabs"
    if "mapping values are not allowed" in what:
        return "check the indentation of this line and of the one before; put text that holds ': ' into quotes"
    return "check brackets, quotes and indentation here and on the line before"


class _Reader:
    """Takes the parser's events and builds the tree, without recursion."""

    def __init__(self) -> None:
        self.tree = YamlTree()
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[JsonValue, _Weight]] = {}
        self._weight = _Weight(0, 0)
        self._documents = 0

    def take(self, event: Any) -> None:
        """Use one event."""
        if isinstance(event, DocumentStartEvent):
            self._begin_document(event)
        elif isinstance(event, AliasEvent):
            self._alias(event)
        elif isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent):
            self._node(event)
        elif isinstance(event, CollectionEndEvent):
            self._end_collection()

    def problem_at(self, mark: Any, path: Path, problem: str, cure: str) -> None:
        """Note a mistake at a parser's mark."""
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (None, None)
        self.tree.problems.append(Problem(path, problem, cure, line, column))
        if len(self.tree.problems) >= MOST_PROBLEMS:
            raise _Stop

    def _begin_document(self, event: DocumentStartEvent) -> None:
        self._documents += 1
        if self._documents > 1:
            self.problem_at(event.start_mark, (), "a second document begins", "keep one, and delete its '---'")
            raise _Stop
        if event.version is not None and tuple(event.version) < (1, 2):
            self.problem_at(event.start_mark, (), "it says YAML 1.1", "delete the %YAML line; this is YAML 1.2")

    def _node(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent) -> None:
        if event.tag is not None:
            self.problem_at(event.start_mark, self._path(), f"the tag {str(event.tag)[:60]!r}", "delete it")
        if isinstance(event, ScalarEvent):
            self._scalar(event)
        else:
            self._begin_collection(event)

    def _scalar(self, event: ScalarEvent) -> None:
        frame = self._open[-1] if self._open else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            self._key(frame, event)
            return
        value = self._value_of(event)
        weight = _Weight(1, len(event.value))
        self._count(event.start_mark, weight)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, weight)
        empty = event.value == "" and event.style is None
        # The parser gives a missing value the place of whatever comes next; it is missing behind its key.
        self._put(value, frame.key_mark if empty and frame is not None and frame.key is not None else event.start_mark)

    def _key(self, frame: _Open, event: ScalarEvent) -> None:
        key = _paired(event.value)
        path = (*frame.path, key)
        if key in frame.value:
            first = self.tree.places[path].key_line
            self.problem_at(event.start_mark, path, f"this key stands in line {first} already", "delete one of the two")
        elif key == "<<" and event.style is None:
            self.problem_at(event.start_mark, path, "merging by '<<' is not YAML 1.2", "write the keys out")
        elif _UNFIT.search(key):
            self.problem_at(event.start_mark, path, "a character that no text may hold", "delete it")
        weight = _Weight(1, len(key))
        self._count(event.start_mark, weight)
        if event.anchor is not None:
            self._anchors[event.anchor] = (key, weight)
        frame.key, frame.key_mark = key, event.start_mark

    def _begin_collection(self, event: MappingStartEvent | SequenceStartEvent) -> None:
        path = self._path()
        frame = self._open[-1] if self._open else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            self.problem_at(event.start_mark, path, "a key that is a list or mapping", "use a word as key")
            raise _Stop
        if len(self._open) >= DEEPEST:
            self.problem_at(event.start_mark, path, f"it is nested deeper than {DEEPEST} levels", "make it flatter")
            raise _Stop
        begun_at = self._weight
        self._count(event.start_mark, _Weight(1, 0))
        value: dict[str, JsonValue] | list[JsonValue] = {} if isinstance(event, MappingStartEvent) else []
        self._put(value, event.start_mark)
        self._open.append(_Open(value, path, event.anchor, begun_at))

    def _end_collection(self) -> None:
        frame = self._open.pop()
        if frame.anchor is not None:
            begun, now = frame.begun_at, self._weight
            weight = _Weight(now.nodes - begun.nodes, now.characters - begun.characters)
            self._anchors[frame.anchor] = (frame.value, weight)

    def _alias(self, event: AliasEvent) -> None:
        frame = self._open[-1] if self._open else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            self.problem_at(event.start_mark, self._path(), "an alias as a key", "write the key out")
            raise _Stop
        known = self._anchors.get(event.anchor)
        if known is None:
            self.problem_at(
                event.start_mark,
                self._path(),
                f"*{event.anchor} names nothing above it",
                f"mark it with &{event.anchor}",
            )
            known = (None, _Weight(1, 0))
        value, weight = known
        self._count(event.start_mark, weight)
        self._put(value, event.start_mark)

    def _put(self, value: JsonValue, mark: Any) -> None:
        """Set a value where it belongs, and note its place."""
        path = self._path()
        frame = self._open[-1] if self._open else None
        key_mark = mark
        if frame is None:
            self.tree.data = value
        elif isinstance(frame.value, list):
            frame.value.append(value)
        elif frame.key is not None:
            frame.value[frame.key] = value
            key_mark, frame.key = frame.key_mark, None
        self.tree.places[path] = Place(key_mark.line + 1, key_mark.column + 1, mark.line + 1, mark.column + 1)

    def _path(self) -> Path:
        """The path of the value that comes next."""
        if not self._open:
            return ()
        frame = self._open[-1]
        if isinstance(frame.value, list):
            return (*frame.path, len(frame.value))
        return frame.path if frame.key is None else (*frame.path, frame.key)

    def _count(self, mark: Any, weight: _Weight) -> None:
        self._weight = present = _Weight(self._weight.nodes + weight.nodes, self._weight.characters + weight.characters)
        if present.nodes > MOST_NODES:
            self._stop_at(mark, f"the document comes to more than {MOST_NODES} values", "use count: for many alike")
        if present.characters > MOST_CHARACTERS:
            excess = f"the document comes to more than {MOST_CHARACTERS} characters, its aliases written out"
            self._stop_at(mark, excess, "mark shorter texts with '&'")

    def _stop_at(self, mark: Any, problem: str, cure: str) -> None:
        self.problem_at(mark, self._path(), problem, cure)
        raise _Stop

    def _value_of(self, event: ScalarEvent) -> JsonValue:
        text = _paired(event.value)
        if _UNFIT.search(text):
            self.problem_at(event.start_mark, self._path(), "a character that no text may hold", "delete it")
            return None
        if event.style is not None:
            return text
        value = plain_value(text)
        if _NOT_FINITE.fullmatch(text) or _LONG_INTEGER.fullmatch(text) or value in (float("inf"), float("-inf")):
            problem = f"{text[:40]} is no number that can be used"
            self.problem_at(event.start_mark, self._path(), problem, "write a finite number, or text in quotes")
            return None
        return value


def _paired(text: str) -> str:
    """The text with characters beyond U+FFFF that were written as two escapes, as JSON does (RFC 8259 §7), made one."""
    return _PAIR.sub(lambda pair: pair.group().encode("utf-16", "surrogatepass").decode("utf-16"), text)


def plain_value(text: str) -> JsonValue:
    """What a word without quotes stands for, by the core schema of YAML 1.2 (§10.3)."""
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
