"""Three recipes for an encoder, fitted on public text within seconds and without a download.

They differ in what a token is, in how its vector comes about and in dimension, as models of three
organisations do:

- `word`: stems, TF-IDF, truncated SVD, 512 dimensions. Latent semantic analysis (Deerwester et al.
  1990).
- `subword`: character 3- and 4-grams within words, TF-IDF, truncated SVD, 384 dimensions. Knows
  words that it has never seen.
- `cooccurrence`: positive pointwise mutual information of stems within ten words (Levy and Goldberg
  2014), factorised to 256 dimensions, averaged with smooth inverse frequency weights and freed of
  the common directions (Arora et al. 2017).

The rule of this file: fitting is deterministic (fixed seeds, sorted vocabularies) and
single-purpose; encoding is in `model`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import scipy.sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.extmath import randomized_svd

from examples.three_organisations.model import TOKENISERS, Float32, Model, unit_rows
from examples.three_organisations.tokens import stems

SEED = 0
WINDOW = 10
"""Words to either side that count as company of a word, each by one over its distance."""
CONTEXT_SMOOTHING = 0.75
"""Exponent on context counts: rare contexts look too informative else (Levy et al. 2015)."""
FREQUENCY_SCALE = 0.01
"""Relative frequency at which a word's weight is halved: weight = a / (a + p(word))."""
COMMON_DIRECTIONS = 4


def fit(recipe: str, texts: Sequence[str]) -> Model:
    """Fit the recipe of that name on `texts`; KeyError when there is none."""
    return RECIPES[recipe](texts)


def fit_word(texts: Sequence[str]) -> Model:
    """Latent semantic analysis of stems."""
    return _factorised("word", "stems", texts, dimension=512, min_texts=2)


def fit_subword(texts: Sequence[str]) -> Model:
    """Latent semantic analysis of character n-grams within words."""
    return _factorised("subword", "character-ngrams", texts, dimension=384, min_texts=5)


def _factorised(
    name: str, tokeniser: str, texts: Sequence[str], dimension: int, min_texts: int
) -> Model:
    vectoriser = TfidfVectorizer(
        analyzer=TOKENISERS[tokeniser], min_df=min_texts, sublinear_tf=True, dtype=np.float32
    )
    weights = vectoriser.fit_transform(texts)
    _, strengths, axes = randomized_svd(weights, dimension, n_iter=2, random_state=SEED)
    # the square root between plain projection (dominated by a few topics) and whitening (by noise)
    projection = axes.T / np.sqrt(strengths)
    token_vectors = (vectoriser.idf_[:, None] * projection).astype(np.float32)
    return Model(
        name=name,
        tokeniser=tokeniser,
        vocabulary=tuple(vectoriser.get_feature_names_out()),
        token_vectors=token_vectors,
        mean=np.zeros(dimension, dtype=np.float32),
        common=np.zeros((0, dimension), dtype=np.float32),
    )


def fit_cooccurrence(texts: Sequence[str], dimension: int = 256, min_count: int = 4) -> Model:
    """Average word vectors that come from the company words keep."""
    tokenised = [stems(text) for text in texts]
    counts = Counter(token for tokens in tokenised for token in tokens)
    vocabulary = tuple(sorted(token for token, count in counts.items() if count >= min_count))
    index = {token: position for position, token in enumerate(vocabulary)}
    places = [np.array([index[t] for t in tokens if t in index], int) for tokens in tokenised]
    association = _positive_mutual_information(_company(places, len(vocabulary)))
    left, strengths, _ = randomized_svd(association, dimension, n_iter=4, random_state=SEED)
    frequency = np.array([counts[token] for token in vocabulary]) / sum(counts.values())
    weights = FREQUENCY_SCALE / (FREQUENCY_SCALE + frequency)
    vectors = weights[:, None] * unit_rows((left * strengths**0.25).astype(np.float32))
    return _without_common(vocabulary, vectors.astype(np.float32), texts)


def _company(places: list[npt.NDArray[np.int_]], size: int) -> scipy.sparse.csr_matrix:
    """Count pairs of tokens within `WINDOW` by one over their distance; (size, size)."""
    total = scipy.sparse.csr_matrix((size, size), dtype=np.float32)
    for distance in range(1, WINDOW + 1):
        long_enough = [text for text in places if len(text) > distance]
        if not long_enough:
            break
        before = np.concatenate([text[:-distance] for text in long_enough])
        after = np.concatenate([text[distance:] for text in long_enough])
        once = np.full(len(before), 1.0 / distance, dtype=np.float32)
        pairs = scipy.sparse.csr_matrix((once, (before, after)), shape=(size, size))
        total = total + pairs + pairs.T
    return total + scipy.sparse.identity(size, dtype=np.float32, format="csr")


def _positive_mutual_information(company: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
    totals = np.asarray(company.sum(axis=1)).ravel()
    smoothed = totals**CONTEXT_SMOOTHING
    pairs = company.tocoo()
    expected = totals[pairs.row] * smoothed[pairs.col] / smoothed.sum()
    information = np.log(pairs.data / expected)
    kept = information > 0
    return scipy.sparse.csr_matrix(
        (information[kept], (pairs.row[kept], pairs.col[kept])), shape=company.shape
    )


def _without_common(vocabulary: tuple[str, ...], vectors: Float32, texts: Sequence[str]) -> Model:
    dimension = vectors.shape[1]
    none = np.zeros((0, dimension), dtype=np.float32)
    zero = np.zeros(dimension, dtype=np.float32)
    plain = Model("cooccurrence", "stems", vocabulary, vectors, mean=zero, common=none)
    sample = plain.encode(texts[::5])
    mean = sample.mean(axis=0)
    _, _, axes = np.linalg.svd(sample - mean, full_matrices=False)
    common = np.ascontiguousarray(axes[:COMMON_DIRECTIONS])
    return Model("cooccurrence", "stems", vocabulary, vectors, mean=mean, common=common)


RECIPES: dict[str, Callable[[Sequence[str]], Model]] = {
    "word": fit_word,
    "subword": fit_subword,
    "cooccurrence": fit_cooccurrence,
}
