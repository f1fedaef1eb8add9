"""Documents from the documentation strings of installed packages.

The rule of this file: sources are parsed, never imported, so reading them has no side effects, and
files are visited in sorted order, so that the same installation gives the same documents in the
same order.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SKIPPED_FOLDERS = frozenset(
    {"tests", "test", "testing", "_vendor", "__pycache__", "site-packages", "dist-packages"}
    | {"idlelib", "turtledemo", "lib2to3", "distutils", "ensurepip", "pydoc_data"}
)
"""Folders that hold no documentation, or that only some versions and distributions have."""
SHORTEST_WORDS = 4
"""A docstring of fewer words says nothing that a question could look for."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Docstring:
    """One documentation string: the dotted name of what it documents, and its cleaned text."""

    name: str
    text: str

    @property
    def summary(self) -> str:
        """Its first sentence, or its first paragraph where that holds no sentence end."""
        return self._split()[0]

    @property
    def rest(self) -> str:
        """What follows the summary; empty where the summary is all there is."""
        return self._split()[1]

    def _split(self) -> tuple[str, str]:
        head, _, tail = self.text.partition("\n\n")
        head = " ".join(head.split())
        sentence = re.match(r"(.{20,}?[.!?])(?:\s|$)", head)
        if sentence is None:
            return head, tail.strip()
        return sentence[1], f"{head[sentence.end() :].strip()}\n\n{tail}".strip()


def of_installed(package: str, every: int = 1) -> Iterator[Docstring]:
    """Docstrings of an installed top-level package or module; none where it is not installed.

    `every`: as in `of_package`.
    """
    spec = importlib.util.find_spec(package)  # finds a top-level package without importing it
    if spec is not None and spec.origin is not None:
        origin = Path(spec.origin)
        place = origin.parent if origin.stem == "__init__" else origin
        yield from of_package(place, package, every)


def of_package(folder: Path, name: str, every: int = 1) -> Iterator[Docstring]:
    """Docstrings of a package's folder or of one module's file, in the order of paths.

    `every`: of so many files of a folder one is read.
    """
    if folder.is_file():
        yield from of_source(folder.read_bytes(), name)
        return
    for path in sorted(folder.rglob("*.py"))[::every]:
        relative = path.relative_to(folder)
        if SKIPPED_FOLDERS.isdisjoint(relative.parts):
            parts = [name, *relative.with_suffix("").parts]
            dotted = ".".join(part for part in parts if part and part != "__init__")
            yield from of_source(path.read_bytes(), dotted)


def of_source(source: bytes, name: str) -> Iterator[Docstring]:
    """Docstrings of one module; a source that this Python cannot parse has none."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    yield from _of_node(tree, name)
    if b"add_newdoc" in source:  # walking a whole tree takes longer than parsing it
        yield from _of_add_newdoc(tree)


def _of_node(node: ast.Module | Definition, name: str) -> Iterator[Docstring]:
    text = ast.get_docstring(node)
    if text:
        yield Docstring(name, text)
    for definition in _definitions(node):
        yield from _of_node(definition, f"{name}.{definition.name}")


def _definitions(node: ast.AST) -> Iterator[Definition]:
    """Definitions directly inside `node`, also those behind an `if` or a `try`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            yield child
        elif isinstance(child, ast.If | ast.Try | ast.ExceptHandler):
            yield from _definitions(child)


def _of_add_newdoc(tree: ast.Module) -> Iterator[Docstring]:
    """Read numpy's `add_newdoc(place, name, doc)` calls: the documentation of what is compiled."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        if node.func.id != "add_newdoc" or len(node.args) != 3:
            continue
        yield from _newdoc(*node.args)


def _newdoc(place: ast.expr, name: ast.expr, documented: ast.expr) -> Iterator[Docstring]:
    try:
        where, what, doc = (ast.literal_eval(part) for part in (place, name, documented))
    except ValueError:  # an argument that is computed when numpy is built
        return
    pairs = [("", doc)] if isinstance(doc, str) else [doc] if isinstance(doc, tuple) else doc
    for member, text in pairs:
        dotted = f"{where}.{what}.{member}".rstrip(".")
        yield Docstring(dotted, inspect.cleandoc(text))


def distinct(docstrings: Iterable[Docstring]) -> list[Docstring]:
    """Keep the first of each text, and only those of `SHORTEST_WORDS` words or more."""
    kept: dict[str, Docstring] = {}
    for docstring in docstrings:
        if len(docstring.text.split()) >= SHORTEST_WORDS:
            kept.setdefault(docstring.text, docstring)
    return list(kept.values())
