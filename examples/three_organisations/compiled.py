"""Documents from compiled members of an extension package, which have no source to parse.

The rule of this file: it imports only modules of packages that the product itself depends on, and
reads `vars()` instead of asking for attributes, so that no deprecated name is touched and nothing
is run.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator

from examples.three_organisations.docstrings import Docstring


def of_compiled(module_name: str) -> Iterator[Docstring]:
    """Docstrings of the module's public compiled members and of their methods, by name."""
    for name, member in sorted(vars(importlib.import_module(module_name)).items()):
        if name.startswith("_") or inspect.ismodule(member) or inspect.isfunction(member):
            continue
        dotted = f"{module_name}.{name}"
        yield from _documented(dotted, member)
        if isinstance(member, type):
            for method_name, method in sorted(vars(member).items()):
                if not method_name.startswith("_"):
                    yield from _documented(f"{dotted}.{method_name}", method)


def _documented(name: str, member: object) -> Iterator[Docstring]:
    if not callable(member) and not inspect.isdatadescriptor(member):
        return
    text = getattr(member, "__doc__", None)
    if isinstance(text, str):
        yield Docstring(name, inspect.cleandoc(text))
