"""The walls of the house: which file may know which, and what no file may hold."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

FLOORS = (
    ("efi",),
    (
        "efpi_core.errors",
        "efpi_core.identity",
        "efpi_core.nearest",
        "efpi_core.csv_field",
        "efpi_core.log_line",
        "efpi_core.boot",
        "efpi_core.heap",
        "efpi_core.clock_event",
        "efpi_core.clock",
        "efpi_core.deadline",
        "efpi_core.local_time",
    ),
    ("efpi_core.plugin",),
    ("efpi_core.s2",),
    ("efpi_core.views", "efpi_core.history_views", "efpi_core.event_kinds", "efpi_core.health_words"),
    ("efpi_core.gateway_api",),
    ("efpi_core.plugin.hookspecs",),
    ("efpi_core.host",),
    ("efpi_core.site",),
    ("efpi_core.state",),
    ("efpi_core.history",),
    ("efpi_core.backup",),
    ("efpi_core.gateway",),
    ("efpi_core.simulation",),
    ("efpi_core.http",),
    ("efpi_core.logbook",),
    ("efpi_core.cli",),
)
"""From the ground up; a file may know its own floor and those below. The longest name that fits says the floor."""

OPEN_TO_PLUGINS = (
    "efi",
    "efpi_core.errors",
    "efpi_core.identity",
    "efpi_core.boot",
    "efpi_core.clock_event",
    "efpi_core.clock",
    "efpi_core.local_time",
    "efpi_core.plugin",
    "efpi_core.s2",
)
"""What an author imports; the rest of the platform can change without asking the plugins."""

FOREIGN = {
    "efi": {"pydantic", "pydantic_core", "annotated_types"},
    "efpi_core.site": {"pydantic", "pydantic_core", "ruamel"},
}
"""Packages that may lean on these libraries and no other."""

SITE_KNOWS = (
    "efi",
    "efpi_core.site",
    "efpi_core.errors",
    "efpi_core.identity",
    "efpi_core.nearest",
    "efpi_core.plugin.limits",
    "efpi_core.plugin.site_facts",
)
"""The site document is read by the management centre, too, which has no gateway: words only, nothing that runs."""

LONGEST_FILE = 400
LONGER_FILES: dict[str, str] = {}
"""Files beyond that, each with the reason why it is one noun nevertheless."""

CLOCK_READERS = {"efpi_core/clock.py": "it is the clock"}
"""Files that may read the machine's time, each with the reason."""

CLOCK_CALLS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "localtime"),
    ("time", "gmtime"),
    ("time", "sleep"),
    ("time", "monotonic"),
    ("time", "monotonic_ns"),
}

FORBIDDEN = {
    "a registry's host": re.compile(r"py" r"pi\.org|pythonhosted\.|registry\.npm|py" r"pi-mirror", re.IGNORECASE),
    "a path of one machine": re.compile(r"(?<![\w.])/(?:wo" r"rk|ro" r"ot|ho" r"me)/[a-z]|/tmp/br" r"ief"),
    "a deferred intention": re.compile(
        r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b(?!\|YER)"
    ),  # ISO 4217's code of no currency is none
}

TEXT = {".py", ".toml", ".txt", ".md", ".yaml", ".yml", ".json", ".html", ".css", ".js", ".sql", ".cfg", ".sh", ""}


def is_plugin(name: str) -> bool:
    return name.startswith(("efpi_driver_", "efpi_app_"))


def package_folders() -> Iterator[Path]:
    yield ROOT / "efi"
    yield ROOT / "efpi_core"
    for folder in (*ROOT.glob("drivers/*/efpi_driver_*"), *ROOT.glob("energy_apps/*/efpi_app_*")):
        if folder.is_dir() and folder.suffix != ".egg-info":
            yield folder


@cache
def modules() -> dict[str, Path]:
    """Every module of the tree by its import name."""
    found = {}
    for folder in package_folders():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder.parent).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def imports_of(name: str) -> tuple[str, ...]:
    """All that a module imports, anywhere in it, each as the module that is loaded by it."""
    found = []
    for node in ast.walk(tree_of(modules()[name])):
        if isinstance(node, ast.Import):
            found.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are written in full"
            assert node.module is not None
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.append(whole if whole in modules() else node.module)
    return tuple(dict.fromkeys(found))


def ours(imported: str) -> bool:
    return imported.split(".", maxsplit=1)[0] in {"efi", "efpi_core"} or is_plugin(imported)


def within(name: str, packages: tuple[str, ...] | set[str]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def floor_of(name: str) -> int:
    best = max((package for floor in FLOORS for package in floor if within(name, (package,))), key=len, default=None)
    assert best is not None, f"{name} stands on no floor; give it one in FLOORS"
    return next(number for number, floor in enumerate(FLOORS) if best in floor)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_arrow_points_up() -> None:
    wrong = [
        f"{name} imports {imported}"
        for name in modules()
        if not is_plugin(name) and name != "efpi_core"
        for imported in imports_of(name)
        if ours(imported) and not is_plugin(imported) and floor_of(imported) > floor_of(name)
    ]
    assert not wrong, "\n".join(wrong)


def test_nobody_imports_a_plugin() -> None:
    wrong = [
        f"{name} imports {imported}"
        for name in modules()
        for imported in imports_of(name)
        if is_plugin(imported) and imported.split(".")[0] != name.split(".")[0]
    ]
    assert not wrong, "\n".join(wrong)


def test_a_plugin_knows_only_what_is_open_to_plugins() -> None:
    wrong = [
        f"{name} imports {imported}"
        for name in modules()
        if is_plugin(name)
        for imported in imports_of(name)
        if ours(imported) and not is_plugin(imported) and not within(imported, OPEN_TO_PLUGINS)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_site_document_knows_no_gateway() -> None:
    wrong = [
        f"{name} imports {imported}"
        for name in modules()
        if within(name, ("efpi_core.site",))
        for imported in imports_of(name)
        if ours(imported) and not within(imported, SITE_KNOWS)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", FOREIGN)
def test_a_ground_package_leans_on_few_libraries(package: str) -> None:
    wrong = [
        f"{name} imports {imported}"
        for name in modules()
        if within(name, (package,))
        for imported in imports_of(name)
        if not ours(imported)
        and (library := imported.split(".")[0]) not in sys.stdlib_module_names
        and library not in FOREIGN[package]
    ]
    assert not wrong, "\n".join(wrong)


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = {name: [imported for imported in imports_of(name) if imported in modules()] for name in modules()}
    circle = _a_circle(graph)
    assert circle is None, " -> ".join(circle or ())


def _a_circle(graph: dict[str, list[str]]) -> list[str] | None:
    """Some circle of a graph, or None; depth first, without recursion."""
    finished: set[str] = set()
    for start in graph:
        path: list[str] = []
        stack = [(start, False)]
        while stack:
            node, leaving = stack.pop()
            if leaving:
                path.pop()
                finished.add(node)
                continue
            if node in path:
                return [*path[path.index(node) :], node]
            if node in finished:
                continue
            path.append(node)
            stack.append((node, True))
            stack.extend((onward, False) for onward in graph[node] if onward not in finished)
    return None


def test_a_circle_would_be_found() -> None:
    assert _a_circle({"a": ["b"], "b": ["c"], "c": ["d"], "d": ["b"]}) == ["b", "c", "d", "b"]
    assert _a_circle({"a": ["b", "c"], "b": ["c"], "c": []}) is None


def test_the_face_of_a_package_holds_its_docstring() -> None:
    wrong = []
    for name, path in modules().items():
        if path.name != "__init__.py":
            continue
        body = tree_of(path).body
        if ast.get_docstring(tree_of(path)) is None:
            wrong.append(f"{relative(path)} says nothing of the package")
        elif len(body) > 1 and not (is_plugin(name) and "." not in name):
            wrong.append(f"{relative(path)} holds more than its docstring")
    assert not wrong, "\n".join(wrong)


def test_every_package_folder_has_a_face() -> None:
    faceless = {relative(path.parent) for path in modules().values() if not (path.parent / "__init__.py").exists()}
    assert not faceless


def test_every_package_is_typed() -> None:
    untyped = [relative(folder) for folder in package_folders() if not (folder / "py.typed").exists()]
    assert not untyped


def test_only_the_clock_reads_the_time() -> None:
    wrong = [
        f"{relative(path)}:{node.lineno} {ast.unparse(node)}"
        for path in modules().values()
        if relative(path) not in CLOCK_READERS
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and _dotted_end(node) in CLOCK_CALLS
    ]
    assert not wrong, "\n".join(wrong)


def _dotted_end(node: ast.Attribute) -> tuple[str, str]:
    """The last two parts of a dotted name: `datetime.datetime.now` gives `datetime`, `now`."""
    before = node.value
    name = before.attr if isinstance(before, ast.Attribute) else before.id if isinstance(before, ast.Name) else ""
    return name, node.attr


def test_time_is_not_imported_by_its_function() -> None:
    wrong = [
        f"{relative(path)}:{node.lineno}"
        for path in modules().values()
        if relative(path) not in CLOCK_READERS
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and node.module == "time"
    ]
    assert not wrong, "\n".join(wrong)


def test_no_bytes_become_code() -> None:
    unsafe = {"pickle", "marshal", "shelve"}
    wrong = []
    for path in modules().values():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"eval", "exec"}:
                wrong.append(f"{relative(path)}:{node.lineno} {node.func.id}")
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
                wrong.extend(f"{relative(path)}:{node.lineno} {n}" for n in names if n in unsafe)
            if isinstance(node, ast.keyword) and node.arg == "shell":
                wrong.append(f"{relative(path)}:{node.lineno} shell")
    assert not wrong, "\n".join(wrong)


def test_a_file_is_one_noun() -> None:
    long = {
        relative(path): lines
        for path in modules().values()
        if (lines := path.read_text(encoding="utf-8").count("\n")) > LONGEST_FILE
    }
    unexplained = {name: lines for name, lines in long.items() if name not in LONGER_FILES}
    assert not unexplained, "say in LONGER_FILES why these are one noun, or part them"
    assert set(LONGER_FILES) <= set(long), "these are short now; take them off the list"


def tracked_files() -> list[Path]:
    """The files of the tree as it is kept; without a repository, those that lie here."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True, timeout=30
        ).stdout
        return [ROOT / name for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        hidden = {".git", ".venv", "build", "dist", "__pycache__"}
        return [path for path in ROOT.rglob("*") if path.is_file() and not hidden & set(path.parts)]


def test_the_tree_speaks_of_itself_alone() -> None:
    wrong = []
    for path in tracked_files():
        if path.suffix not in TEXT or not path.is_file() or "fixtures" in path.parts:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for what, pattern in FORBIDDEN.items():
            if (match := pattern.search(text)) is not None:
                line = text.count("\n", 0, match.start()) + 1
                wrong.append(f"{relative(path)}:{line} holds {what}: {match.group()}")
    assert not wrong, "\n".join(wrong)


def test_all_versions_are_pinned() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    loose = [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", pin)]
    assert not loose
