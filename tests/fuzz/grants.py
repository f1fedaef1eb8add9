"""Grant files."""

from node.policy.errors import GrantInvalid
from node.policy.policy import read_policy
from tests.fuzz.choices import Choices
from tests.fuzz.long import main
from tests.fuzz.target import Target

FULL = """\
[[grant]]
peer = "lab.example"
collection = "trials"
purposes = ["research", "clinical-care"]
labels = ["open"]
granularity = "bins"
bin_width = 0.05
max_k = 10
floor = 0.2
rate = 60
queries_per_day = 1000
scored_answers = 8
expires = 2027-12-31
request_url = "https://clinic.example/data-access"

[grant.agreement]
id = "DSA-12"
digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
until = 2027-12-31T00:00:00Z
"""
VALUES = (
    "0", "-1", "1", "0.05", "0.0501", "2.05", "1e400", "-inf", "nan", "1e999999999", "0.1e-999999",
    "9" * 400, "9223372036854775808", "true", '""', '"*"', '["*"]', "[]", "[[]]", "{}", "{a=1}",
    '"bins"', '"ranks"', "9999-12-31", "0001-01-01", "2027-12-31T00:00:00", "07:32:00",
    "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", '"https://["', '"a\\u0000"',
    '["a", "a"]', "[" * 2000, "0x_", "1_000", '"""a', "2027-02-30", "1979-05-27T00:60:00Z",
)  # fmt: skip


def valid() -> list[bytes]:
    """What is accepted: everything, the least, nothing."""
    least = 'peer = "a.example"\ncollection = "c"\npurposes = ["research"]\nlabels = ["*"]\n'
    return [FULL.encode(), least.encode(), b""]


def nearly(choices: Choices) -> bytes:
    """The full grant with other values, or with lines doubled and dropped."""
    lines = FULL.splitlines()
    for _ in range(1 + choices.below(3)):
        at = choices.below(len(lines))
        name = lines[at].partition(" =")[0]
        lines[at] = choices.pick((f"{name} = {choices.pick(VALUES)}", "", lines[at] * 2, name))
    return "\n".join(lines).encode()


TARGET = Target(
    "grants",
    "a grant file is a policy, or GrantInvalid",
    lambda raw: read_policy({"grant.toml": raw.decode("utf-8", "replace")}, 1),
    (GrantInvalid,),
    valid,
    nearly,
)

if __name__ == "__main__":
    main(TARGET)
