"""docs/wires.md, written from what the mappings declare: `python -m efi wires > docs/wires.md`."""

from collections.abc import Iterable

from efi.conversion import LeniencyKind, LossKind
from efi.wires import FORMS, WireForm

_INTRODUCTION = """# Wire forms

What each form in which the interface travels can carry, and what not. `efpi efi convert` tells the same of each message
that it converts, by field, value and reason; the tables below are made from the same declarations in the code
(`python -m efi wires`), so that neither can say less than the other. [interface.md](interface.md) has the names of the
messages side by side, [cli.md](cli.md) the commands.

The interface's own JSON form carries everything. In the others:

- **Lost in writing** is what the interface says and the form has no room for. Where the rest would say something else
  without it, as a curtailment without one of its bounds, nothing is written, and that is told.
- **Lost in reading** is what the form says and the interface has no room for.
- **Forgiven in reading** is what a document may say though its schema forbids it, or though it makes no sense; each is
  told by its name. What is not listed is refused with path, value and rule.
- Names that are written differently and turned back in reading are no loss; they are told as names.

A field is written as it stands in the message, a `*` being each place in a list; no field is the whole message.
"""


def wires_page() -> str:
    """The page, in Markdown."""
    return "\n".join((_INTRODUCTION, *(_section(form) for form in FORMS)))


def _section(form: WireForm) -> str:
    parts = [f"## {form.title}", _wrapped(form.carries)]
    for title, kinds in (("Lost in writing", form.writing), ("Lost in reading", form.reading)):
        if kinds:
            parts.append(f"### {title}\n\n{_losses(kinds)}")
    if form.leniencies:
        parts.append(f"### Forgiven in reading\n\n{_leniencies(form.leniencies)}")
    return "\n\n".join(parts) + "\n"


def _losses(kinds: Iterable[LossKind]) -> str:
    """One row a reason: the messages that lose the same, and the fields that are lost for it."""
    messages: dict[tuple[str, str], dict[str, None]] = {}
    for kind in kinds:
        messages.setdefault((kind.field, kind.reason), {}).update(dict.fromkeys(kind.messages))
    rows: dict[tuple[str, str], list[str]] = {}
    for (field, reason), losing in messages.items():
        rows.setdefault((_messages(losing), reason), []).append(f"`{field}`" if field else "–")
    told = sorted((losing, ", ".join(fields), reason) for (losing, reason), fields in rows.items())
    return _table(("messages", "field", "why, and what becomes of it"), told)


def _messages(messages: Iterable[str]) -> str:
    return ", ".join(f"`{message}`" for message in messages)


def _leniencies(kinds: Iterable[LeniencyKind]) -> str:
    told = sorted((f"`{kind.name}`", kind.what, kind.reading) for kind in kinds)
    return _table(("name", "what a document may say", "how it is read"), told)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _wrapped(text: str, width: int = 120) -> str:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) + 1 > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)
