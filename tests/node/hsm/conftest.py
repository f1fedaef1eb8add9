"""The token of this test process."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.node.hsm.softhsm import SoftHsm, made, missing


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    """SoftHSM2, or a skip that says what is missing."""
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    before = os.environ.get("SOFTHSM2_CONF")
    yield made(tmp_path_factory.mktemp("softhsm"))
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before
