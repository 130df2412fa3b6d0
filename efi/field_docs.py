"""What the source says of each field: the string beneath it, read only when somebody asks.

Pydantic can do so at import too (`use_attribute_docstrings`), at the price of parsing every module at each start.
"""

import ast
import enum
import importlib
import inspect
import itertools
from functools import cache
from pathlib import Path

from pydantic import BaseModel


def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """The docstring of each field of a model, its own and the inherited ones; a field without one is left out."""
    docs: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if issubclass(owner, BaseModel) and owner is not BaseModel:
            docs |= _attribute_docs(owner)
    return {name: doc for name, doc in docs.items() if name in model.model_fields}


def member_docs(choice: type[enum.Enum]) -> dict[str, str]:
    """The docstring of each member of an enumeration, by the member's value; a member without one is left out."""
    docs = _attribute_docs(choice)
    return {str(member.value): docs[member.name] for member in choice if member.name in docs}


def _attribute_docs(owner: type) -> dict[str, str]:
    body = _module_classes(owner.__module__).get(owner.__qualname__)
    return {} if body is None else body


@cache
def _module_classes(module_name: str) -> dict[str, dict[str, str]]:
    """The attributes' docstrings of each class of a module; nothing where the source is not at hand."""
    source_file = inspect.getsourcefile(importlib.import_module(module_name))
    if source_file is None or not Path(source_file).is_file():
        return {}
    tree = ast.parse(Path(source_file).read_text(encoding="utf-8"))
    classes: dict[str, dict[str, str]] = {}
    _collect(tree, "", classes)
    return classes


def _collect(scope: ast.Module | ast.ClassDef, prefix: str, classes: dict[str, dict[str, str]]) -> None:
    for node in scope.body:
        if isinstance(node, ast.ClassDef):
            name = f"{prefix}{node.name}"
            classes[name] = _docs_of(node)
            _collect(node, f"{name}.", classes)


def _docs_of(node: ast.ClassDef) -> dict[str, str]:
    docs = {}
    for statement, following in itertools.pairwise(node.body):
        name = _assigned(statement)
        if name is None or not isinstance(following, ast.Expr):
            continue
        if isinstance(following.value, ast.Constant) and isinstance(following.value.value, str):
            docs[name] = inspect.cleandoc(following.value.value)
    return docs


def _assigned(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        return target.id if isinstance(target, ast.Name) else None
    return None
