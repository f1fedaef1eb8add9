"""docs/federation.md names every code that `peer test` gives, and every check that it makes."""

import re
from pathlib import Path

from node.doctor import partner, partner_offers
from node.doctor.partner import CHECKS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "federation.md").read_text(encoding="utf-8")
SECTION = TEXT[TEXT.index("### Testing a partner") :].split("\n## ")[0]
MADE = re.compile(r'\b(?:problem|warning|note|how)\(\s*f?"([a-z-]+)')


def test_every_code_is_documented() -> None:
    sources = [Path(str(module.__file__)) for module in (partner, partner_offers)]
    codes = {code for source in sources for code in MADE.findall(source.read_text("utf-8"))}
    assert len(codes) > 12
    codes -= {"peer-"}  # followed by a state
    codes |= {"peer-pending", "peer-paused", "peer-revoked", "peer-unreachable", "peer-timeout"}
    assert [code for code in sorted(codes) if f"`{code}" not in SECTION] == []


def test_every_check_is_documented() -> None:
    rows = re.findall(r"^\| ([a-z]+) \| `", SECTION, re.MULTILINE)
    assert tuple(rows) == CHECKS
