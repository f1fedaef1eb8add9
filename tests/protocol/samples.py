"""Envelopes that several tests start from."""

from typing import Any

from protocol.envelope import Envelope, Prompts


def envelope(**changes: Any) -> Envelope:
    """A 4-dimensional normalised space, with fields changed."""
    fields: dict[str, Any] = {
        "provider": "models.example",
        "model": "small-encoder",
        "revision": "sha256:" + "0" * 64,
        "dimension": 4,
        "pooling": "mean",
        "normalisation": "l2",
        "similarity": "cosine",
        "prompts": Prompts.of(query="query: "),
    }
    return Envelope(**{**fields, **changes})
