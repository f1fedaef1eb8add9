"""The policy book: applied whole, durable, in the order of the log."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from node.policy.book import PolicyBook
from node.policy.errors import GrantInvalid, PolicyUnreadable
from node.policy.policy import Policy

GRANT = 'peer = "lab.example"\ncollection = "trials"\npurposes = ["research"]\nlabels = ["open"]\n'


class Leaves:
    """Policy leaves as the log writer would take them: guard first, then the commit."""

    def __init__(self, book: PolicyBook) -> None:
        self.book = book
        self.digests: list[str] = []
        self.previous: list[str | None] = []
        self.fails = False

    async def append(self, policy: Policy, previous: str | None, guard: Callable[[], None]) -> None:
        assert self.book.current.digest != policy.digest  # in force only from the leaf on
        guard()
        assert self.book.current.digest == policy.digest
        if self.fails:
            raise OSError("the disk is full")
        self.digests.append(policy.digest)
        self.previous.append(previous)


async def test_nothing_is_shared_before_the_first_application(tmp_path: Path) -> None:
    book = PolicyBook.open(tmp_path / "policy.json")
    assert book.current.grants == ()
    assert book.current.generation == 0


async def test_files_that_mean_the_same_change_no_generation_and_leave_no_leaf(
    tmp_path: Path,
) -> None:
    book = PolicyBook.open(tmp_path / "policy.json")
    leaves = Leaves(book)
    _, applied = await book.apply({"lab.toml": GRANT}, 100, leaves.append)
    commented = {"renamed.toml": f"# as agreed\n{GRANT}"}
    assert await book.apply(commented, 200, leaves.append) == (applied, applied)
    again = PolicyBook.open(tmp_path / "policy.json")
    assert (again.current.generation, again.stored.applied_at) == (1, 100)
    assert again.stored.files == commented
    assert len(leaves.digests) == 1


async def test_an_applied_policy_holds_at_once_and_after_a_restart(tmp_path: Path) -> None:
    book = PolicyBook.open(tmp_path / "policy.json")
    leaves = Leaves(book)
    _, applied = await book.apply({"lab.toml": GRANT}, 100, leaves.append)
    again = PolicyBook.open(tmp_path / "policy.json")
    assert applied == book.current == again.current
    assert again.current.generation == 1
    assert again.stored.files == {"lab.toml": GRANT}
    assert leaves.digests == [applied.digest]


async def test_a_wrong_file_changes_nothing(tmp_path: Path) -> None:
    book = PolicyBook.open(tmp_path / "policy.json")
    leaves = Leaves(book)
    await book.apply({"lab.toml": GRANT}, 100, leaves.append)
    with pytest.raises(GrantInvalid):
        await book.apply({"lab.toml": GRANT + "quota = 1\n"}, 101, leaves.append)
    assert book.current.generation == 1
    assert len(leaves.digests) == 1


async def test_a_failed_commit_leaves_the_former_policy_in_force(tmp_path: Path) -> None:
    book = PolicyBook.open(tmp_path / "policy.json")
    leaves = Leaves(book)
    _, before = await book.apply({"lab.toml": GRANT}, 100, leaves.append)
    leaves.fails = True
    with pytest.raises(OSError, match="full"):
        await book.apply({}, 101, leaves.append)
    assert book.current == before == PolicyBook.open(tmp_path / "policy.json").current


class SlowLeaves:
    """The log writer, which writes what is queued whether or not somebody still waits."""

    def __init__(self) -> None:
        self.queued: asyncio.Queue[tuple[Policy, Callable[[], None], asyncio.Future[None]]]
        self.previous: list[str | None] = []
        self.queued = asyncio.Queue()

    async def append(self, policy: Policy, previous: str | None, guard: Callable[[], None]) -> None:
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.previous.append(previous)
        await self.queued.put((policy, guard, written))
        await written

    async def write(self) -> Policy:
        policy, guard, written = await self.queued.get()
        guard()
        if not written.done():
            written.set_result(None)
        for _ in range(5):
            await asyncio.sleep(0)
        return policy


async def test_a_caller_who_goes_away_leaves_policy_and_log_in_agreement(tmp_path: Path) -> None:
    book, leaves = PolicyBook.open(tmp_path / "policy.json"), SlowLeaves()
    applying = asyncio.create_task(book.apply({"lab.toml": GRANT}, 100, leaves.append))
    for _ in range(5):
        await asyncio.sleep(0)
    assert leaves.queued.qsize() == 1
    applying.cancel()
    await asyncio.gather(applying, return_exceptions=True)
    logged = await leaves.write()
    assert book.current == logged
    again = PolicyBook.open(tmp_path / "policy.json")
    assert again.current == logged
    assert again.stored.logged


async def test_two_applications_at_once_get_a_generation_each(tmp_path: Path) -> None:
    book, leaves = PolicyBook.open(tmp_path / "policy.json"), SlowLeaves()
    first = asyncio.create_task(book.apply({"lab.toml": GRANT}, 100, leaves.append))
    second = asyncio.create_task(book.apply({}, 101, leaves.append))
    written = [await leaves.write(), await leaves.write()]
    assert [(await first)[1], (await second)[1]] == written
    assert [policy.generation for policy in written] == [1, 2]
    assert leaves.previous == [Policy().digest, written[0].digest]
    assert (await second)[0] == written[0]
    assert book.current.grants == ()


async def test_a_leaf_that_a_crash_prevented_is_appended_when_the_node_opens(
    tmp_path: Path,
) -> None:
    path = tmp_path / "policy.json"
    book = PolicyBook.open(path)

    async def crash(_policy: Policy, _previous: str | None, _guard: Callable[[], None]) -> None:
        # the process dies here: what is on disk is what the next start finds
        path.with_name("seen.json").write_bytes(path.read_bytes())
        raise OSError("the process is gone")

    with pytest.raises(OSError, match="gone"):
        await book.apply({"lab.toml": GRANT}, 100, crash)
    path.with_name("seen.json").replace(path)

    logged: list[str] = []

    async def append(policy: Policy, _previous: str | None, _guard: Callable[[], None]) -> None:
        logged.append(policy.digest)

    again = PolicyBook.open(path)
    await again.log_if_missing(append)
    await PolicyBook.open(path).log_if_missing(append)
    assert logged == [again.current.digest]
    assert again.current.generation == 1


@pytest.mark.parametrize(
    "damage", [b"", b"{", b'{"v": 1}', b"\xff", None], ids=["empty", "cut", "thin", "bytes", "swap"]
)
async def test_a_damaged_file_is_named_with_its_remedy(
    tmp_path: Path, damage: bytes | None
) -> None:
    path = tmp_path / "policy.json"
    book = PolicyBook.open(path)
    await book.apply({"lab.toml": GRANT}, 100, Leaves(book).append)
    changed = path.read_bytes().replace(b"open", b"shut") if damage is None else damage
    path.write_bytes(changed)
    with pytest.raises(PolicyUnreadable, match=r"policy\.json"):
        PolicyBook.open(path)
