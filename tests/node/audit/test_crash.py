"""kill -9 at any moment: each acknowledged leaf is there exactly once, and the tree goes on."""

from pathlib import Path

from tests.node.audit.crash import crash


def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    acknowledged, held = crash(tmp_path / "log.db", kills=4, longest_s=0.15)
    assert 0 < acknowledged <= held
