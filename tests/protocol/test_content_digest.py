"""Content-Digest in its one form; RFC 9530's own example."""

import hashlib

import pytest

from protocol.content_digest import content_digest, is_content_digest


def test_rfc_9530_example() -> None:
    # RFC 9530 section 2 / Appendix B.1: the digest of {"hello": "world"} and a line feed.
    body = b'{"hello": "world"}\n'
    field = content_digest(hashlib.sha256(body).digest())
    assert field == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    assert is_content_digest(field)


@pytest.mark.parametrize(
    "field",
    [
        "",
        "sha-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=",
        "SHA-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg:",
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDh=:",
        "sha-256=:RK_0qy18MlBSVnWgjwz6lZEWjP_lF5HF9bvEF8FabDg=:",
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:;a=1",
        " sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:\n",
        "sha-256=::",
        "md5=:Sd/dVLAcvNLSq16eXua5uQ==:",
    ],
)
def test_other_forms_are_refused(field: str) -> None:
    assert not is_content_digest(field)
