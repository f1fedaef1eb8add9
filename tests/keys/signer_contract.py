"""What anything that signs for a node must do, whichever backend holds its key.

A backend's tests subclass `SignerContract` and give a fixture `signer`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from keys.signer import SIGNATURE_BYTES, Signer, is_sound, verify
from keys.thumbprint import thumbprint


class SignerContract:
    def test_its_public_key_is_sound_and_its_id_the_thumbprint(self, signer: Signer) -> None:
        assert is_sound(signer.public)
        assert signer.kid == thumbprint(signer.public)

    @pytest.mark.parametrize("size", [0, 1, 64, 8191, 8192, 8193, 1_000_000])
    def test_it_signs_messages_of_any_length(self, signer: Signer, size: int) -> None:
        message = bytes(number % 251 for number in range(size))
        signature = signer.sign(message)
        assert len(signature) == SIGNATURE_BYTES
        assert verify(signer.public, signature, message)

    def test_one_message_has_one_signature(self, signer: Signer) -> None:
        # RFC 8032 section 5.1.6: no randomness; a backend that adds some speaks another scheme
        assert signer.sign(b"text") == signer.sign(b"text") != signer.sign(b"other")

    def test_many_threads_may_sign_at_once(self, signer: Signer) -> None:
        messages = [str(number).encode() for number in range(64)]
        with ThreadPoolExecutor(8) as threads:
            signatures = list(threads.map(signer.sign, messages))
        assert all(verify(signer.public, s, m) for s, m in zip(signatures, messages, strict=True))

    def test_its_text_forms_show_the_id_and_nothing_else(self, signer: Signer) -> None:
        assert repr(signer) == str(signer) == f"{type(signer).__name__}({signer.kid})"
