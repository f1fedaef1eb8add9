"""Every target, briefly. For longer: `python -m tests.fuzz.TARGET`, see README.md."""

from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.target import Target

HERE = Path(__file__).parent
MACHINERY = {
    "__init__",
    "choices",
    "long",
    "mutate",
    "signed",
    "target",
    "test_long",
    "test_targets",
}
TARGETS: list[Target] = [
    import_module(f"tests.fuzz.{path.stem}").TARGET
    for path in sorted(HERE.glob("*.py"))
    if path.stem not in MACHINERY
]
each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@each_target
def test_what_is_valid_is_accepted(target: Target) -> None:
    for raw in target.valid():
        target.read(raw)


@each_target
@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(raw=st.binary(max_size=128))
def test_anything_is_accepted_or_refused_by_name(target: Target, raw: bytes) -> None:
    target.try_out(raw)


@each_target
def test_the_readme_names_it_with_its_sentence(target: Target) -> None:
    assert f"| `{target.name}` | {target.sentence} |" in (HERE / "README.md").read_text()
