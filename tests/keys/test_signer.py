"""Ed25519 by the book, and no trust in keys under which anybody can sign."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.signer import SeedSigner, Signer, is_sound, verify
from tests.keys.signer_contract import SignerContract

VECTORS = Path(__file__).parents[1] / "vectors" / "ed25519.json"
TESTS: list[dict[str, str]] = json.loads(VECTORS.read_text())["tests"]

PRIME = 2**255 - 19
D = -121665 * pow(121666, -1, PRIME) % PRIME
ORDER = 2**252 + 27742317777372353535851937790883648493
Point = tuple[int, int]


@pytest.mark.parametrize("test", TESTS, ids=[test["name"] for test in TESTS])
def test_rfc_8032_section_7_1(test: dict[str, str]) -> None:
    signer = SeedSigner.from_seed(bytes.fromhex(test["seed"]))
    message, signature = bytes.fromhex(test["message"]), bytes.fromhex(test["signature"])
    assert signer.public.hex() == test["public"]
    assert signer.sign(message) == signature
    assert verify(signer.public, signature, message)


class TestSeedSigner(SignerContract):
    @pytest.fixture
    def signer(self) -> Signer:
        return SeedSigner.generate()


def test_a_signer_survives_its_seed() -> None:
    signer = SeedSigner.generate()
    again = SeedSigner.from_seed(signer.seed)
    assert (again.public, again.kid) == (signer.public, signer.kid)
    assert verify(signer.public, again.sign(b"text"), b"text")


def test_neither_text_form_shows_the_seed() -> None:
    signer = SeedSigner.generate()
    assert repr(signer) == str(signer) == f"SeedSigner({signer.kid})"


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_seed_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SeedSigner.from_seed(bytes(length))


@given(st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=80))
def test_verify_never_raises(public: bytes, signature: bytes, message: bytes) -> None:
    assert verify(public, signature, message) is False


@given(st.binary(max_size=64), st.data())
def test_any_flipped_bit_breaks_the_signature(message: bytes, data: st.DataObject) -> None:
    signer = SeedSigner.from_seed(bytes(32))
    signature = signer.sign(message)
    bit = data.draw(st.integers(min_value=0, max_value=511))
    flipped = bytearray(signature)
    flipped[bit // 8] ^= 1 << bit % 8
    assert verify(signer.public, signature, message)
    assert not verify(signer.public, bytes(flipped), message)
    assert not verify(signer.public, signature, message + b"\0")


def test_a_signature_with_the_group_order_added_is_refused() -> None:
    signer = SeedSigner.from_seed(bytes(32))
    signature = signer.sign(b"text")
    scalar = int.from_bytes(signature[32:], "little") + ORDER
    assert not verify(signer.public, signature[:32] + scalar.to_bytes(32, "little"), b"text")


def test_no_point_of_small_order_is_a_sound_key() -> None:
    encodings = {encode(point) for point in torsion_points()}
    assert len(encodings) == 8
    for encoding in encodings:
        assert not is_sound(encoding)
        # Under the neutral element this signature (R neutral, S zero) would verify everything.
        assert not verify(encoding, encode((0, 1)) + bytes(32), b"anything")


@given(st.integers(min_value=PRIME, max_value=2**255 - 1), st.booleans())
def test_an_unreduced_coordinate_is_not_sound(y: int, sign: bool) -> None:
    assert not is_sound((y | sign << 255).to_bytes(32, "little"))


@given(st.binary(min_size=32, max_size=32))
def test_every_made_key_is_sound(seed: bytes) -> None:
    assert is_sound(SeedSigner.from_seed(seed).public)


def torsion_points() -> set[Point]:
    """The eight points that multiplying any curve point by the prime order can give."""
    points: set[Point] = set()
    y = 2
    while len(points) < 8:
        x = square_root((y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME)
        y += 1
        if x is None:
            continue
        start, found = multiply(ORDER, (x, y - 1)), (0, 1)
        for _ in range(8):
            points.add(found)
            found = add(found, start)
    return points


def square_root(value: int) -> int | None:
    root = pow(value, (PRIME + 3) // 8, PRIME)
    for candidate in (root, root * pow(2, (PRIME - 1) // 4, PRIME) % PRIME):
        if candidate * candidate % PRIME == value:
            return candidate
    return None


def add(a: Point, b: Point) -> Point:
    product = D * a[0] * b[0] * a[1] * b[1] % PRIME
    x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + product, -1, PRIME)
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, PRIME)
    return x % PRIME, y % PRIME


def multiply(scalar: int, point: Point) -> Point:
    result: Point = (0, 1)
    for bit in bin(scalar)[2:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, point)
    return result


def encode(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")
