"""The policy in force, on disk and in memory, changed at one visible moment.

An application of new grants goes: read all of it, write it durably, then append a `policy` leaf
whose guard swaps the policy in memory. The log writer runs guards in leaf order, so every leaf
after the `policy` leaf was decided under the new policy, and an answer that was computed under the
old one is stopped by its own guard. Should the commit fail, the old policy is put back. A crash
between file and leaf is noticed when the node opens: the leaf is then appended first.
"""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from node import durable_file
from node.policy.errors import GrantInvalid, PolicyUnreadable
from node.policy.policy import Policy, read_policy
from node.turns import Turns


class StoredPolicy(BaseModel):
    """The content of `policy.json`: the grant files as they were given, and their generation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: int = 1
    generation: int
    digest: str
    applied_at: int
    logged: bool
    files: dict[str, str]


AppendLeaf = Callable[[Policy, str | None, Callable[[], None]], Awaitable[None]]
"""Appends the `policy` leaf of a policy; the second argument is the digest of the one before it,
the third the guard to run just before the commit."""


class PolicyBook:
    """Holds the policy in force; every reader sees one whole policy or another."""

    def __init__(self, path: Path, stored: StoredPolicy, policy: Policy) -> None:
        self._path = path
        self._stored = stored
        self._policy = policy
        self._turns = Turns()

    @classmethod
    def open(cls, path: Path) -> "PolicyBook":
        """Load the policy, or begin with the empty one, under which nothing is shared.

        Raises PolicyUnreadable when the file is damaged or its digest is not that of its grants.
        """
        if not path.exists():
            empty = Policy()
            stored = StoredPolicy(
                generation=0, digest=empty.digest, applied_at=0, logged=True, files={}
            )
            return cls(path, stored, empty)
        try:
            stored = StoredPolicy.model_validate_json(path.read_bytes())
            policy = read_policy(stored.files, stored.generation)
        except (ValidationError, GrantInvalid, UnicodeDecodeError) as error:
            raise PolicyUnreadable(f"{path.name} is damaged: {error}") from None
        if policy.digest != stored.digest:
            raise PolicyUnreadable(f"{path.name} does not match its digest: it was changed by hand")
        return cls(path, stored, policy)

    @property
    def current(self) -> Policy:
        """The policy in force."""
        return self._policy

    @property
    def stored(self) -> StoredPolicy:
        """The grant files in force, as they were applied."""
        return self._stored

    def propose(self, files: Mapping[str, str]) -> Policy:
        """Read grant files as the policy that would follow the present one (nothing changes)."""
        return read_policy(files, self._policy.generation + 1)

    async def apply(
        self, files: Mapping[str, str], at: int, append: AppendLeaf
    ) -> tuple[Policy, Policy]:
        """Bring grant files into force, all or none; return the policy before and the one after.

        Files that mean what is in force change no generation, and leave no leaf.
        Raises GrantInvalid before anything is touched; what `append` raises passes through, with
        the former policy in force again. A caller who goes away does not stop it.
        """
        return await self._turns.take(lambda: self._apply(files, at, append))

    async def _apply(
        self, files: Mapping[str, str], at: int, append: AppendLeaf
    ) -> tuple[Policy, Policy]:
        policy = self.propose(files)
        before, before_stored = self._policy, self._stored
        if policy.digest == before.digest:  # at most comments differ: no decision, so no leaf
            self._stored = before_stored.model_copy(update={"files": dict(files)})
            self._write(self._stored)
            return before, before
        unlogged = StoredPolicy(
            generation=policy.generation,
            digest=policy.digest,
            applied_at=at,
            logged=False,
            files=dict(files),
        )
        self._write(unlogged)
        try:
            await append(policy, before.digest, lambda: self._swap(policy, unlogged))
        except BaseException:
            self._swap(before, before_stored)
            self._write(before_stored)
            raise
        self._stored = unlogged.model_copy(update={"logged": True})
        self._write(self._stored)
        return before, policy

    async def log_if_missing(self, append: AppendLeaf) -> None:
        """Append the `policy` leaf that a crash prevented; call it before serving."""
        if not self._stored.logged:
            await append(self._policy, None, lambda: None)
            self._stored = self._stored.model_copy(update={"logged": True})
            self._write(self._stored)

    def log_later(self) -> None:
        """Note that the policy has no leaf yet: `log_if_missing` appends it."""
        self._stored = self._stored.model_copy(update={"logged": False})
        self._write(self._stored)

    def _swap(self, policy: Policy, stored: StoredPolicy) -> None:
        self._policy, self._stored = policy, stored

    def _write(self, stored: StoredPolicy) -> None:
        durable_file.replace(self._path, stored.model_dump_json(indent=1).encode())
