"""The models of the benchmark as members of an evaluation, from vectors that were made once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.adapters.models import Model
from node.evaluate.data_set import DataSet
from node.evaluate.member import Member
from node.spaces.anchor_set import AnchorSet, make_anchor_set
from node.spaces.embedding_file import AnchorEmbeddings
from protocol.envelope import Envelope, Prompts


def member(model: Model, anchors: AnchorSet, data: DataSet) -> Member:
    """Encode everything with one model, or take it from the model's cache."""
    print(f"encoding with {model.spec}", file=sys.stderr)
    document = model.encode(anchors.texts("document"))
    envelope = Envelope(
        provider="benchmark",
        model=model.name[:256],
        revision="1",
        dimension=document.shape[1],
        pooling="none",
        normalisation="l2",
        similarity="cosine",
        prompts=Prompts.of(),
    )
    query = model.encode(anchors.texts("query"))
    own = AnchorEmbeddings("bench.example", envelope, anchors.set_id, document, query)
    documents = model.encode(list(data.documents.values()))
    return Member(model.name, own, documents, model.encode(list(data.questions.values())))


def members(specs: Sequence[str], anchors: AnchorSet, data: DataSet, cache: Path) -> list[Member]:
    """Encode with each model in turn."""
    cache.mkdir(parents=True, exist_ok=True)
    texts = anchors.texts("document")
    return [member(Model(spec, texts, cache), anchors, data) for spec in specs]


def fewer(anchors: AnchorSet, whole: Sequence[Member], most: int) -> tuple[AnchorSet, list[Member]]:
    """Return the first anchors and the members with those alone.

    The canonical order is that of digests, so the first ones are a random sample.
    """
    part = make_anchor_set(anchors.anchors[:most])
    cut = [
        replace(
            each,
            anchors=replace(
                each.anchors,
                anchors=part.set_id,
                document=each.anchors.document[:most],
                query=each.anchors.query[:most],
            ),
        )
        for each in whole
    ]
    return part, cut
