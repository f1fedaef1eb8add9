"""What the merge's cap on partners costs when all are honest, and what it saves when one lies.

    python -m benchmarks.merge_cap BEIR_DIRECTORY

BEIR_DIRECTORY holds `corpus.jsonl`, `queries.jsonl` and `qrels/test.tsv` (the figures in
docs/federation.md are for the Cranfield collection: 1,400 abstracts, 225 questions, graded). The
documents are split over silos at random or by topic (k-means), embedded by TF-IDF and truncated SVD
(200 dimensions), and each silo's ten nearest are merged by bins of 0.05. The liar answers with ten
documents at random and claims the top bin for each. Prints nDCG@10 and the liar's part of the
list. Needs the extra `demo`; about a minute on one core.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.federation.disclose import bin_of, middle_of
from node.federation.merge import SiloHit, SiloRanking, half_and_one, merge

Floats = NDArray[np.float64]
DEPTH, WIDTH, DIMENSIONS = 10, 50, 200

CAPS: dict[str, Callable[[int], int]] = {
    "none": lambda length: length,
    "half": lambda length: -(-length // 2),
    "half and one": half_and_one,
    "half and two": lambda length: length // 2 + 2,
}


class Corpus:
    """Documents, questions and judgments, with the cosine of every question and document."""

    def __init__(self, directory: Path) -> None:
        documents = list(_lines(directory / "corpus.jsonl"))
        questions = list(_lines(directory / "queries.jsonl"))
        self.ids = [str(each["_id"]) for each in documents]
        self.questions = [str(each["_id"]) for each in questions]
        self.gains: dict[str, dict[str, int]] = defaultdict(dict)
        for line in (directory / "qrels" / "test.tsv").read_text().splitlines()[1:]:
            question, document, grade = line.split()
            if int(grade) > 0:
                self.gains[question][document] = int(grade)
        texts = [f"{each.get('title', '')} {each['text']}" for each in documents]
        self.vectors, asked = _embed(texts, [str(each["text"]) for each in questions])
        self.cosines = asked @ self.vectors.T

    def ndcg(self, question: str, found: list[str]) -> float:
        """nDCG@10 with exponential gains."""
        gains = self.gains[question]
        ideal = _dcg(sorted(gains.values(), reverse=True))
        return _dcg([gains.get(name, 0) for name in found]) / ideal


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text("utf-8").splitlines():
        yield json.loads(line)


def _embed(documents: list[str], questions: list[str]) -> tuple[Floats, Floats]:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    words = TfidfVectorizer(sublinear_tf=True, stop_words="english", min_df=2)
    reduced = TruncatedSVD(DIMENSIONS, random_state=0)
    vectors = normalize(reduced.fit_transform(words.fit_transform(documents)))
    return vectors, normalize(reduced.transform(words.transform(questions)))


def _dcg(gains: list[int]) -> float:
    return float(sum((2**g - 1) / np.log2(at + 2) for at, g in enumerate(gains[:DEPTH])))


def splits(vectors: Floats, silos: int) -> dict[str, NDArray[np.int64]]:
    """The silo of each document, at random and by topic."""
    from sklearn.cluster import KMeans

    at_random = np.random.default_rng(1).integers(0, silos, len(vectors))
    by_topic = KMeans(silos, random_state=0, n_init=3).fit_predict(vectors)
    return {"random": at_random, "topical": by_topic.astype(np.int64)}


def answer(
    corpus: Corpus, question: int, members: NDArray[np.int64], name: str, lies: bool
) -> SiloRanking:
    """One silo's ten documents, honest or not."""
    scores = corpus.cosines[question, members]
    if lies:
        chosen = np.random.default_rng(question).choice(members, DEPTH, replace=False)
        hits = [SiloHit(corpus.ids[at], 975.0) for at in chosen]
    else:
        best = np.argsort(-scores, kind="stable")[:DEPTH]
        hits = [
            SiloHit(corpus.ids[members[at]], middle_of(bin_of(float(scores[at]), WIDTH), WIDTH))
            for at in best
        ]
    return SiloRanking(name, "docs", False, "space", tuple(hits))


def measure(
    corpus: Corpus, silo_of: NDArray[np.int64], share: Callable[[int], int], liar: int | None
) -> tuple[float, float]:
    """Return mean nDCG@10 and the liar's mean part of the first ten."""
    members = [np.flatnonzero(silo_of == n) for n in range(int(silo_of.max()) + 1)]
    quality, part = [], []
    for number, question in enumerate(corpus.questions):
        if not corpus.gains[question]:
            continue
        silos = [
            answer(corpus, number, own, f"silo-{n}", n == liar) for n, own in enumerate(members)
        ]
        merged = merge(silos, DEPTH, b"benchmark", share)
        quality.append(corpus.ndcg(question, [m.hit.reference for m in merged]))
        part.append(sum(m.silo == liar for m in merged) / len(merged))
    return float(np.mean(quality)), float(np.mean(part))


def main(directory: Path) -> None:
    """Print the table."""
    corpus = Corpus(directory)
    print("silos  split    cap           honest  with a liar  liar's part")
    for count in (2, 3, 5):
        for split, silo_of in splits(corpus.vectors, count).items():
            for cap, share in CAPS.items():
                honest, _ = measure(corpus, silo_of, share, None)
                lied, part = measure(corpus, silo_of, share, 0)
                print(f"{count:5}  {split:7}  {cap:12}  {honest:6.3f}  {lied:11.3f}  {part:11.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
