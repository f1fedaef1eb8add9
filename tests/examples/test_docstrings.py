from pathlib import Path

import pytest

from examples.three_organisations.docstrings import Docstring, distinct, of_package, of_source

SOURCE = '''
"""A module about hens."""
class Hen:
    """A hen. It lays eggs."""
    def lay(self):
        """Lay an egg and return it."""
if True:
    async def feed():
        """Feed the hens with corn."""
try:
    import corn
except ImportError:
    def corn():
        """Stand in for corn that is missing."""
'''


def test_every_definition_is_named_by_its_path() -> None:
    names = [docstring.name for docstring in of_source(SOURCE.encode(), "farm")]
    assert names == ["farm", "farm.Hen", "farm.Hen.lay", "farm.feed", "farm.corn"]


def test_compiled_members_are_read_from_add_newdoc() -> None:
    source = b'''
add_newdoc("birds", "wing", """The wing of a bird.""")
add_newdoc("birds", "beak", ("peck", """Peck at what is there."""))
add_newdoc("birds", "foot", computed())
'''
    found = list(of_source(source, "made"))
    assert found == [
        Docstring("birds.wing", "The wing of a bird."),
        Docstring("birds.beak.peck", "Peck at what is there."),
    ]


@pytest.mark.parametrize("source", [b"def broken(:", b"\x00", b"print 'python two'"])
def test_a_source_that_cannot_be_parsed_has_no_docstrings(source: bytes) -> None:
    assert list(of_source(source, "broken")) == []


def test_reading_a_package_does_not_run_it_and_skips_its_tests(tmp_path: Path) -> None:
    package = tmp_path / "loud"
    (package / "tests").mkdir(parents=True)
    (package / "__init__.py").write_text('"""Raises when it is imported."""\nraise SystemExit')
    (package / "tests" / "test_it.py").write_text('"""Tests are no documentation."""')
    (package / "a.py").write_text('"""The first module by name."""')
    assert [d.name for d in of_package(package, "loud")] == ["loud", "loud.a"]


@pytest.mark.parametrize(
    ("text", "summary", "rest"),
    [
        ("Sort the array in place.\n\nMore.", "Sort the array in place.", "More."),
        ("Sort the array in place. It is quick.", "Sort the array in place.", "It is quick."),
        ("Sort the\narray\n\nMore.", "Sort the array", "More."),
        ("No sentence end", "No sentence end", ""),
    ],
)
def test_a_docstring_splits_into_summary_and_rest(text: str, summary: str, rest: str) -> None:
    docstring = Docstring("name", text)
    assert (docstring.summary, docstring.rest) == (summary, rest)


def test_the_same_text_is_kept_once_and_short_ones_not_at_all() -> None:
    kept = distinct(
        [
            Docstring("first", "Return a copy of it."),
            Docstring("second", "Return a copy of it."),
            Docstring("short", "Two words"),
        ]
    )
    assert [docstring.name for docstring in kept] == ["first"]
