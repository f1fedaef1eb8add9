"""Leaves are judged by forms and in runs, and that finds what looking at each one finds."""

import asyncio
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.audit import schema
from node.audit.findings import Findings
from node.audit.judged import Judge
from node.audit.leaf_checks import LeafChecks
from node.audit.run_pool import Judging, Reading, RunPool
from node.audit.walk_runs import RUN
from protocol.canonical import digest, dumps
from protocol.leaf import Answered, AnyLeaf, MalformedLeaf, decode_leaf
from protocol.leaf_form import COUNTS, LeafForm, learn
from protocol.log_keys import LogKeys
from tests.node.audit.crash import ROOT
from tests.node.audit.entries import ORIGIN, exchange, opened
from tests.node.audit.tampering import log_file, tamper
from tests.node.audit.test_verify import KNOWING, LOG_VKEY, UNKNOWING, found
from tests.protocol.leaf_samples import answered, every_leaf, evidence

SIGNED = [leaf.encode() for leaf in every_leaf() if getattr(leaf, "evidence", None)]


@cache
def form(number: int) -> LeafForm:
    """The form of one of the leaves with evidence."""
    learned = learn(SIGNED[number], decode_leaf(SIGNED[number]))
    assert learned is not None
    return learned


def decoded(raw: bytes) -> AnyLeaf | None:
    try:
        return decode_leaf(raw)
    except MalformedLeaf:
        return None


@given(
    number=st.integers(0, len(SIGNED) - 1),
    place=st.integers(0, 1_700),
    length=st.integers(0, 3),
    put=st.one_of(st.binary(max_size=3), st.text('0123456789abcdefAZ+/=-_"\\\\:,', max_size=3)),
)
def test_a_form_accepts_only_what_is_a_leaf_and_reads_the_same_of_it(
    number: int, place: int, length: int, put: bytes | str
) -> None:
    raw = SIGNED[number]
    place %= len(raw)
    new = put.encode() if isinstance(put, str) else put
    changed = raw[:place] + new + raw[place + length :]
    said = form(number).read(changed)
    if said is None:
        return
    leaf: Any = decode_leaf(changed)
    assert said.signed == leaf.evidence.signed_by(leaf.key)
    told = (leaf.at, getattr(leaf, "charged", 0), getattr(leaf, "exposed", 0) or 0)
    assert (said.at, said.charged, said.exposed) == told
    assert f"sha256:{said.answer}" == getattr(leaf, "answer", "sha256:None")


@pytest.mark.parametrize("number", range(len(SIGNED)))
def test_members_that_may_differ_take_every_value_of_their_kind(number: int) -> None:
    whole = orjson.loads(SIGNED[number])
    for name in whole.keys() & set(COUNTS):
        for value in (0, 999_999_999_999_999):
            raw = dumps({**whole, name: value})
            assert decoded(raw) is not None
            assert form(number).read(raw) is not None


def judged_as(leaves: list[bytes], whole: bool) -> tuple[bool, list[object]]:
    """Return whether nothing was found, and what was counted, in a run or leaf by leaf."""
    findings = Findings()
    with schema.snapshot(EMPTY[0]) as connection:
        checks = LeafChecks(EMPTY[0], connection, KNOWING, findings)
        if whole:
            taken = checks.run(Judge("bank.example")(0, leaves))
        else:
            for index, raw in enumerate(leaves):
                checks.leaf(index, raw)
            checks.requests.end()
            taken = not findings
    counted: list[object] = [checks.requests.counts, checks.ledger.__dict__, checks.parties.names]
    return taken and not findings, [*counted, checks.acknowledgements.__dict__["_waiting"]]


EMPTY: list[Path] = []


@pytest.fixture(scope="module", autouse=True)
def empty_log(tmp_path_factory: pytest.TempPathFactory) -> None:
    EMPTY[:] = [log_file(tmp_path_factory.mktemp("judged"))]


BODIES = [b'{"id":%d}' % n for n in range(5)]
LEAVES = [answered(body, exposed=n).encode() for n, body in enumerate(BODIES)]
OTHERS = [leaf.encode() for leaf in every_leaf() if leaf.type in ("policy", "unanswered")]


def test_a_run_counts_what_its_leaves_count_one_by_one() -> None:
    leaves = [*LEAVES[:3], *OTHERS, *LEAVES[3:]]
    whole, single = judged_as(leaves, whole=True), judged_as(leaves, whole=False)
    assert whole == single
    assert whole[0]


@given(
    leaf=st.integers(0, len(LEAVES) - 1),
    place=st.integers(0, len(LEAVES[0]) - 1),
    put=st.one_of(st.sampled_from(b'0123456789abcdefAZ+/=-_":,'), st.integers(0, 255)),
)
def test_what_is_wrong_in_a_run_is_wrong_one_by_one(leaf: int, place: int, put: int) -> None:
    changed = bytearray(LEAVES[leaf])
    changed[place % len(changed)] = put
    leaves = [*LEAVES[:leaf], bytes(changed), *LEAVES[leaf + 1 :]]
    whole, single = judged_as(leaves, whole=True), judged_as(leaves, whole=False)
    assert whole[0] == single[0]
    assert not whole[0] or whole[1] == single[1]


@pytest.mark.parametrize(
    "wrong",
    [
        LEAVES[0],
        answered(BODIES[1]).model_copy(update={"evidence": evidence(to="x.example")}).encode(),
        answered(b"{}", at=answered().at - 31).encode(),
        answered(b"{}", at=answered().at + 11).encode(),
        b"{}",
    ],
    ids=["repeated", "other addressee", "backdated", "expired key", "no leaf"],
)
def test_a_run_with_something_wrong_is_left_to_be_named(wrong: bytes) -> None:
    assert not judged_as([*LEAVES, wrong], whole=True)[0]
    assert not judged_as([*LEAVES, wrong], whole=False)[0]


OTHER = answered(b'{"id":9}', exposed=1)
BORROWED = OTHER.evidence.model_copy(update={"signature": evidence(b'{"id":77}').signature})
AHEAD = evidence(b'{"id":9}', created=OTHER.at + 31)


@pytest.mark.parametrize(
    "wrong",
    [
        OTHER.model_copy(update={"evidence": BORROWED}),
        OTHER.model_copy(update={"evidence": AHEAD}),
        OTHER.model_copy(update={"query": digest(b"another body")}),
    ],
    ids=["the signature of another request", "backdated", "another body"],
)
def test_a_leaf_that_is_alike_is_judged_as_any_other(wrong: Answered) -> None:
    learned = learn(LEAVES[0], decode_leaf(LEAVES[0]))
    assert learned is not None
    assert learned.read(wrong.encode()) is not None  # so that it is not read the long way
    for whole in (True, False):
        assert judged_as([*LEAVES, OTHER.encode()], whole=whole)[0]
        assert not judged_as([*LEAVES, wrong.encode()], whole=whole)[0]


@pytest.fixture(scope="module")
def long_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "log.db"

    async def write() -> None:
        async with opened(path) as log:
            entries = (log.submit(exchange(number)) for number in range(RUN + 8))
            await asyncio.gather(*entries)

    asyncio.run(write())
    return path


def test_a_long_log_is_judged_in_runs_and_what_is_wrong_after_them_is_named(long_log: Path) -> None:
    assert found(long_log) == set()
    with schema.snapshot(long_log) as connection:
        keys = LogKeys.single(LOG_VKEY)
        reading = Reading(long_log, ORIGIN, keys, Judging("bank.example"))
        (run,) = RunPool(reading, connection).runs(RUN + 8)
    assert run.judged is not None
    assert len(run.judged.answers) + len(run.judged.others) == RUN
    tamper(long_log, "UPDATE earlier_queries SET n = n + 1")
    assert found(long_log, UNKNOWING) == {"counters-differ"}


def test_other_processes_read_runs_as_this_one_does(long_log: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from node.audit import schema\n"
        "from node.audit.run_pool import Judging, Reading, RunPool\n"
        "from tests.node.audit.test_verify import LOG_VKEY, ORIGIN, LogKeys\n"
        "if __name__ == '__main__':\n"
        "    path = Path(sys.argv[1])\n"
        "    with schema.snapshot(path) as connection:\n"
        "        def runs(others):\n"
        "            keys, judging = LogKeys.single(LOG_VKEY), Judging('bank.example')\n"
        "            reading = Reading(path, ORIGIN, keys, judging)\n"
        "            return [*RunPool(reading, connection, others, 0).runs(1030)]\n"
        "        here, there = runs(0), runs(1)\n"
        "        print(len(here), here == there)\n"
    )
    command = [sys.executable, "-c", script, str(long_log)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert finished.stdout.split() == ["1", "True"], finished.stderr
