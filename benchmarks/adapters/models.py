"""Encoders for the benchmark, by a short specification; vectors are kept in a cache folder.

sklearn-word:384        TF-IDF over words and truncated SVD, fitted on the anchors
sklearn-char:256        the same over character 3- to 5-grams
sentence-transformers:NAME[@LAYERS]   a transformer, cut after so many layers if given
model2vec:NAME          a static model
wordllama:256           WordLlama's static vectors, from the weights in its package
command:PROGRAM ARGS    any program that reads texts as one JSON array and writes their vectors
"""

from __future__ import annotations

import hashlib
import json
import shlex
import subprocess
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from adapters.map import Floats

Encode = Callable[[Sequence[str]], Floats]


class Model:
    """One encoder; `encode` gives (n, d) float32 of length 1, zeros where it makes nothing."""

    def __init__(self, spec: str, anchors: Sequence[str], cache: Path) -> None:
        self.spec = spec
        self._anchors = anchors
        self._cache = cache
        self._encode: Encode | None = None

    @property
    def name(self) -> str:
        """A name for tables: the last part of a path, without what goes without saying."""
        kind, _, rest = self.spec.partition(":")
        return f"{kind}:{Path(rest).name}"

    def encode(self, texts: Sequence[str]) -> Floats:
        """Encode texts, or take them from the cache."""
        said = "\0".join([self.spec, *texts])
        path = self._cache / f"{hashlib.sha256(said.encode()).hexdigest()[:24]}.npy"
        if path.exists():
            rows: Floats = np.load(path)
            return rows
        if self._encode is None:
            self._encode = _open(self.spec, self._anchors)
        raw = np.asarray(self._encode(texts), dtype=np.float64)
        lengths = np.linalg.norm(raw, axis=1, keepdims=True)
        rows = np.divide(raw, lengths, out=np.zeros_like(raw), where=lengths > 0).astype(np.float32)
        np.save(path, rows)
        return rows


def _open(spec: str, anchors: Sequence[str]) -> Encode:
    kind, _, rest = spec.partition(":")
    if kind in ("sklearn-word", "sklearn-char"):
        return _sklearn(kind, int(rest), anchors)
    if kind == "sentence-transformers":
        return _transformer(rest)
    if kind == "model2vec":
        from model2vec import StaticModel

        model: Any = StaticModel.from_pretrained(rest)
        return lambda texts: np.asarray(model.encode(list(texts)))
    if kind == "wordllama":
        return _wordllama(int(rest))
    if kind == "command":
        return lambda texts: _by_command(rest, texts)
    raise ValueError(f"unknown encoder {spec}")


def _wordllama(width: int) -> Encode:
    """Pool its token vectors; the library itself would look for the tokenizer on a hub."""
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    found = find_spec("wordllama")
    if found is None or found.origin is None:
        raise ValueError("wordllama is not installed")
    folder = Path(found.origin).parent
    (rows,) = load_file(folder / "weights" / f"l2_supercat_{width}.safetensors").values()
    reader = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    reader.no_padding()
    reader.no_truncation()
    table = rows.astype(np.float32)

    def encode(texts: Sequence[str]) -> Floats:
        read = reader.encode_batch(list(texts), add_special_tokens=False)
        return np.stack([table[each.ids].mean(axis=0) for each in read])

    return encode


def _by_command(command: str, texts: Sequence[str]) -> Floats:
    done = subprocess.run(  # the person who runs the benchmark named it
        shlex.split(command), input=json.dumps(list(texts)), text=True, check=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    return np.asarray(json.loads(done.stdout), dtype=np.float32)


def _sklearn(kind: str, width: int, anchors: Sequence[str]) -> Encode:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = {"token_pattern": r"(?u)\b\w+\b", "min_df": 2}
    grams = {"analyzer": "char_wb", "ngram_range": (3, 5), "min_df": 3}
    counts = TfidfVectorizer(sublinear_tf=True, **(words if kind == "sklearn-word" else grams))
    svd = TruncatedSVD(width, random_state=0)
    svd.fit(counts.fit_transform(anchors))
    scale = np.sqrt(svd.singular_values_)
    return lambda texts: np.asarray(svd.transform(counts.transform(texts)) / scale)


def _transformer(rest: str) -> Encode:
    from sentence_transformers import SentenceTransformer

    name, _, layers = rest.partition("@")
    model: Any = SentenceTransformer(name, device="cpu")
    if layers:
        stack = model[0].auto_model.encoder
        stack.layer = stack.layer[: int(layers)]
    return lambda texts: np.asarray(
        model.encode(list(texts), batch_size=32, show_progress_bar=False)
    )
