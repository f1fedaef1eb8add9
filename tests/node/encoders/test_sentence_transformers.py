"""The in-process encoder; the library is an extra, so most of this runs only where it is there."""

import importlib.util
import sys

import numpy as np
import pytest

from node.encoders.errors import EncoderMisconfigured
from node.encoders.sentence_transformers import (
    SentenceTransformersBackend,
    SentenceTransformersSettings,
)

INSTALLED = importlib.util.find_spec("sentence_transformers") is not None
REASON = "the extra local-models is not installed"


async def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)  # as where it is not there
    backend = SentenceTransformersBackend(SentenceTransformersSettings(model="any"))
    with pytest.raises(EncoderMisconfigured, match="not installed") as refused:
        await backend.embed(["words"])
    assert refused.value.fix == "pip install 'interlingua[local-models]'"


@pytest.mark.skipif(not INSTALLED, reason=REASON)
async def test_a_model_that_is_not_there_is_named() -> None:
    backend = SentenceTransformersBackend(SentenceTransformersSettings(model="/no/such/model"))
    with pytest.raises(EncoderMisconfigured, match="'/no/such/model' cannot be loaded"):
        await backend.embed(["words"])


@pytest.mark.skipif(not INSTALLED, reason=REASON)
@pytest.mark.filterwarnings("ignore:Importing from")  # release 6 moved it, release 5 has it here
async def test_a_static_model_encodes_and_describes_itself(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    words = {"[UNK]": 0, "red": 1, "green": 2, "blue": 3}
    tokenizer = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    weights = np.eye(4, dtype="f4")
    path = tmp_path_factory.mktemp("model")
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, weights)]).save(str(path))

    backend = SentenceTransformersBackend(SentenceTransformersSettings(model=str(path)))
    vectors = await backend.embed(["red red", "green", "red blue"])
    assert vectors.dtype == np.float32
    assert np.argmax(vectors[0]) == 1
    assert backend.count_tokens("red green blue") == 3
    described = await backend.described()
    assert described["revision"].startswith("weights-")
    await backend.close()
