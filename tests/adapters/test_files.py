import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from adapters.errors import AdapterFileRefused
from adapters.files import adapter_digest, decode_adapter, encode_adapter
from adapters.identity import fit_identity
from adapters.map import KINDS
from adapters.procrustes import fit_procrustes
from adapters.quality import measure
from tests.adapters.worlds import SOURCE, TARGET, two_models

WORLD = two_models()
ARGS = (WORLD.source_documents, WORLD.target_documents, SOURCE, TARGET)
MAP = fit_procrustes(*ARGS)
RAW = encode_adapter(MAP)


def test_the_quality_card_travels_in_the_file() -> None:
    card = measure(
        (MAP,),
        {"identity": (fit_identity(*ARGS),)},
        WORLD.part(slice(500, 600)),
        fitted_on=600,
        chosen_on=0,
    )
    raw = encode_adapter(MAP, card)
    assert decode_adapter(raw, adapter_digest(raw), SOURCE, TARGET).quality == card


def test_another_file_than_the_one_on_record_is_refused() -> None:
    with pytest.raises(AdapterFileRefused, match="digest"):
        decode_adapter(RAW, "sha256:" + "0" * 64, SOURCE, TARGET)


def test_the_way_back_is_another_map() -> None:
    with pytest.raises(AdapterFileRefused, match="direction"):
        decode_adapter(RAW, adapter_digest(RAW), TARGET, SOURCE)


@given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
@settings(max_examples=100, deadline=None)
def test_any_changed_byte_is_refused(place: int, change: int) -> None:
    spoilt = bytearray(RAW)
    spoilt[place] ^= change
    with pytest.raises(AdapterFileRefused):
        decode_adapter(bytes(spoilt), adapter_digest(RAW), SOURCE, TARGET)


@given(st.integers(0, 600), st.integers(1, 255))
@settings(max_examples=300, deadline=None)
def test_a_damaged_header_under_its_own_digest_is_read_or_refused(place: int, change: int) -> None:
    spoilt = bytearray(RAW)
    spoilt[place] ^= change
    raw = bytes(spoilt)
    try:
        found = decode_adapter(raw, adapter_digest(raw), SOURCE, TARGET)
    except AdapterFileRefused:
        return
    assert found.map.kind in KINDS


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(AdapterFileRefused):
        decode_adapter(raw, adapter_digest(raw), SOURCE, TARGET)


def test_other_tensors_and_other_formats_are_refused() -> None:
    rows = np.ones((3, 3), np.float32)
    metadata = {"format": "interlingua-adapter-v1", "kind": "ridge", "unit": "true"}
    metadata |= {"source": SOURCE, "target": TARGET}
    for tensors, names in [
        ({"weight": rows}, metadata),
        ({"weight": rows, "bias": rows[0], "extra": rows}, metadata),
        ({"weight": rows.astype(np.float64), "bias": rows[0]}, metadata),
        ({"weight": rows, "bias": rows[0]}, {**metadata, "format": "other"}),
        ({"weight": rows, "bias": rows[0]}, {**metadata, "kind": "other"}),
        ({"weight": rows, "bias": rows[0][:2]}, metadata),
        ({"weight": rows * np.float32(np.nan), "bias": rows[0]}, metadata),
    ]:
        raw = save(tensors, metadata=names)
        with pytest.raises(AdapterFileRefused, match="not an adapter file"):
            decode_adapter(raw, adapter_digest(raw), SOURCE, TARGET)
