"""What a log takes of a witness's answer."""

from keys.signer import SeedSigner
from node.witness.submitter import own_line
from protocol.cosignature import CosignerKey, cosign
from protocol.note import parse_note
from protocol.witness_policy import Witness
from tests.vectors.witness_vectors import AT, head


def test_a_witness_with_very_many_keys_takes_one_place_in_the_note() -> None:
    text = parse_note(head(7)).text
    signers = [SeedSigner.from_seed(bytes([n]) * 32) for n in range(1, 61)]
    lines = [cosign(text, "sham.example/witness", by, AT - n) for n, by in enumerate(signers)]
    body = "".join(line.line() for line in lines).encode()
    keys = [CosignerKey("sham.example/witness", by.public) for by in signers]
    witnesses = [Witness(key, "sham.example", (0, AT + 1)) for key in keys]
    assert own_line(body, text, witnesses, AT) == (lines[0], AT)
    without = [Witness(key, "sham.example", (0, AT - 5)) for key in keys]
    assert own_line(body, text, without, AT) == (lines[6], AT - 6)
