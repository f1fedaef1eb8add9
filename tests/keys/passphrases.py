"""Passphrases that cost next to nothing, where their cost is not what is tested."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from keys import sealing


@contextmanager
def cheap_passphrases() -> Iterator[None]:
    """Scrypt at its least cost: what is sealed within opens within.

    The real cost, half a second for each key, is paid in tests/keys/test_keyfile.py.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sealing, "SCRYPT_N", 2)
        yield
