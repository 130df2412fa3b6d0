"""Reading YAML: words are words, and nothing hostile gets through."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efpi_core.site.yaml_tree import DEEPEST, LONGEST_TEXT, MOST_NODES, Place, plain_value, read_yaml


def said(text: str) -> str:
    tree = read_yaml(text)
    assert tree.problems, f"accepted: {tree.data!r}"
    return "\n".join(map(str, tree.problems))


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("no", "no"),
        ("off", "off"),
        ("yes", "yes"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("tRue", "tRue"),
        ("~", None),
        ("null", None),
        ("", None),
        ("none", "none"),
        ("12", 12),
        ("-7", -7),
        ("+3", 3),
        ("007", 7),
        ("0x1F", 31),
        ("0o17", 15),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("07:00", "07:00"),
        ("23:59:59", "23:59:59"),
        ("2026-01-01", "2026-01-01"),
        ("1.2.3", "1.2.3"),
        ("0.30", 0.3),
        ("1e3", 1000.0),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("+12e-3", 0.012),
        ("e3", "e3"),
        (".", "."),
    ],
)
def test_words_mean_what_yaml_1_2_says(word: str, value: object) -> None:
    read = plain_value(word)
    assert read == value and type(read) is type(value)
    assert read_yaml(f"a: {word}").data == {"a": value}


def test_what_stands_in_quotes_is_text() -> None:
    assert read_yaml("""{a: "12", b: 'true', c: "", d: '~'}""").data == {"a": "12", "b": "true", "c": "", "d": "~"}


def test_keys_are_words_whatever_they_look_like() -> None:
    assert read_yaml("{no: 1, 12: 2, true: 3, ~: 4}").data == {"no": 1, "12": 2, "true": 3, "~": 4}


def test_every_entry_knows_its_line_and_column() -> None:
    tree = read_yaml("a: 1\nb:\n  - x\n  - {c:   3}\n")
    assert tree.places["a",] == Place(1, 1, 1, 4)
    assert tree.places["b", 0] == Place(3, 5, 3, 5)
    assert tree.places["b", 1, "c"] == Place(4, 6, 4, 11)
    assert tree.place(("b", 1, "missing", "deep")) == tree.places["b", 1]


def test_a_key_written_twice_is_refused_and_told_where_it_was_first() -> None:
    assert said("a:\n  port: 1\n  b: 2\n  port: 3\n") == (
        "line 4, column 3: a.port: this key stands in line 2 already; delete one of the two"
    )


def test_two_spellings_of_one_key_are_one_key() -> None:
    assert "stands in line 1 already" in said("a: 1\n'a': 2\n")


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system", "!!str", "!ENV", "!<tag:yaml.org,2002:int>", "!"])
def test_tags_are_refused(tag: str) -> None:
    assert "the tag" in said(f"a: {tag} 1")


@pytest.mark.parametrize(
    "number", [".inf", "-.INF", ".nan", ".NaN", "1e999", "-1e400", "9" * 19, "0x" + "f" * 16, "1" * 5000]
)
def test_numbers_that_are_none_are_refused(number: str) -> None:
    assert said(f"a:\n  b: {number}").startswith("line 2, column 6: a.b: ")


@pytest.mark.parametrize("text", ['a: "\\ud800"', 'a: "x\\0"', '"\\udfff": 1', "a: \x07", "a: \x00", "\x1b: 1"])
def test_characters_that_no_text_may_hold_are_refused(text: str) -> None:
    assert "character" in said(text)


def test_all_mistakes_are_told_at_once() -> None:
    tree = read_yaml("a: !x 1\nb: .nan\nc: *nobody\na: 2\n<<: {x: 1}\n")
    assert [problem.line for problem in tree.problems] == [1, 2, 3, 4, 5]
    assert tree.complete


@pytest.mark.parametrize(
    ("text", "line", "cure"),
    [
        ("a:\n\tb: 1", 2, "spaces"),
        ("a: 1\n b: 2", 2, "indentation"),
        ("a: [1, 2\nb: 3", 2, "brackets"),
        ("a: 'x", 1, "quotes"),
        ("a: b: c", 1, "quotes"),
        ("a: 1\n---\nb: 2", 2, "delete"),
        ("%YAML 1.1\n---\na: 1", 2, "YAML 1.2"),
        ("? [1]\n: 2", 1, "word"),
        ("a: &x 1\n*x : 2", 2, "key"),
    ],
)
def test_what_is_no_yaml_of_ours_is_told_with_line_and_cure(text: str, line: int, cure: str) -> None:
    problem = read_yaml(text).problems[0]
    assert problem.line == line
    assert cure in str(problem)


def test_an_alias_stands_for_what_was_marked() -> None:
    tree = read_yaml("a: &x {b: [1]}\nc: *x\nd: [*x, *x]\n")
    assert not tree.problems
    assert tree.data == {"a": {"b": [1]}, "c": {"b": [1]}, "d": [{"b": [1]}, {"b": [1]}]}


def test_an_alias_within_itself_is_refused() -> None:
    assert "names nothing above it" in said("a: &x [1, *x]")


def test_a_yaml_bomb_is_stopped_while_it_is_read() -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    began = time.process_time()
    assert f"more than {MOST_NODES} values" in said("\n".join(lines))
    assert time.process_time() - began < 10


def test_a_bomb_of_keys_is_stopped_too() -> None:
    assert f"more than {MOST_NODES} values" in said("\n".join(f"k{n}:" for n in range(MOST_NODES)))


def test_a_document_may_be_nested_so_deep_and_no_deeper() -> None:
    assert not read_yaml("[" * DEEPEST + "]" * DEEPEST).problems
    assert "nested deeper" in said("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1))
    assert "nested deeper" in said("[" * 100_000)
    assert "nested deeper" in said("\n".join(" " * n + "a:" for n in range(100)))


def test_a_document_may_be_so_long_and_no_longer() -> None:
    assert "characters" in said("#" * (LONGEST_TEXT + 1))
    assert not read_yaml("#" * LONGEST_TEXT).problems


@pytest.mark.parametrize(
    "text",
    [
        "{" * 50_000,
        "- " * 50_000,
        "? " * 20_000,
        "a: " * 50_000,
        "&a " * 50_000,
        "!" * 50_000,
        "a: >\n" + " x\n" * 20_000,
        '"' + "\\n" * 100_000,
        "'" * 100_000,
        "\n" * 500_000,
        "a: |\n" + "  y\n" * 50_000,
        "[" + "a," * 100_000,
        "{a: " * 20_000,
        "*" * 50_000,
        "%TAG ! x\n" * 10_000,
        "# c\n" * 100_000,
    ],
)
def test_no_short_text_keeps_the_reader_busy_for_long(text: str) -> None:
    began = time.process_time()
    read_yaml(text)
    assert time.process_time() - began < 10


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    tree = read_yaml(text)
    assert tree.complete or tree.problems


PIECES = st.sampled_from(
    [
        "a",
        ": ",
        "- ",
        "\n",
        "  ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "&x ",
        "*x",
        "!t ",
        "'",
        '"',
        "|\n",
        ">\n",
        "#",
        "---\n",
        "...\n",
        "? ",
        "%YAML 1.2\n",
        "\t",
        "<<",
        ".inf",
        "~",
        "\\u0000",
        "\ufeff",
        "1",
    ]
)


@settings(max_examples=700, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_anything_built_of_yamls_own_signs_is_read_or_refused(text: str) -> None:
    tree = read_yaml(text)
    assert tree.complete or tree.problems


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcXYZ-_09 %", max_size=8), inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_json_is_read_as_what_it_says(value: object) -> None:
    tree = read_yaml(json.dumps(value))
    assert not tree.problems
    assert tree.data == value
