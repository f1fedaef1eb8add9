"""What one organisation's administrator does, step by step, with the `interlingua` command.

The rule of this file: each method is one step of an administrator and knows its own node only; what
it needs of the others comes through the exchange folder or over HTTP. The demo runs the steps of
all three in turn, the containers run each organisation's own (`seed.py`): it is the same code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from examples.three_organisations.commands import Cli
from examples.three_organisations.exchange import Exchange
from examples.three_organisations.grants import grant_file
from examples.three_organisations.organisations import ORGANISATIONS, Organisation
from examples.three_organisations.terminal import Terminal

ANCHOR_SET = "public"
SPACE = "commons"
ENCODER = "main"
"""What each calls its own model at home; nobody else sees the name."""
INVITATION, WORDS = "invitation-for", "words-for"
"""What one hands to one other: the file's kind, a hyphen and the other's short name."""
EMBEDDINGS = "anchors.safetensors"
SIGNED, JOINED = "signed", "joined"
SIGNATURES = 2
"""Of the three, so many must sign the shared space: its author and one who computed it again."""


@dataclass(frozen=True)
class Site:
    """Where an organisation's node is and how it is set up.

    `url` is where partners reach it. `settings` go to `interlingua init --set`. `peer_options` are
    added to `peer invite` and `peer request`, for private networks.
    """

    data: Path
    url: str
    documents: Path
    anchors: Path
    settings: Sequence[str] = ()
    peer_options: Sequence[str] = ()


@dataclass
class Member:
    """One organisation with its node."""

    organisation: Organisation
    site: Site
    exchange: Exchange
    terminal: Terminal
    cli: Cli = field(init=False)

    def __post_init__(self) -> None:
        self.cli = Cli(self.site.data, self.terminal)

    @property
    def others(self) -> tuple[Organisation, ...]:
        """The two others."""
        return tuple(one for one in ORGANISATIONS if one.name != self.organisation.name)

    def create(self) -> None:
        """Make the node, with its keys and its root document."""
        settings = [part for one in self.site.settings for part in ("--set", one)]
        made = self.cli.run(
            "init",
            *("--organisation", self.organisation.name, "--url", self.site.url),
            *("--no-passphrase", *settings),
        )
        self.terminal.result(f"fingerprint: {made['fingerprint']}")

    def pair(self) -> None:
        """Pair with the two others: whoever comes first in the list invites.

        Each reads out the six words that its own node shows, and types those that the other read.
        """
        names = [one.name for one in ORGANISATIONS]
        own = names.index(self.organisation.name)
        invited = [other for other in self.others if names.index(other.name) > own]
        inviters = [other for other in self.others if names.index(other.name) < own]
        for other in invited:
            self._invite(other)
        for other in inviters:
            self._request(other)
        for other in invited:
            self._hand_over(WORDS, other, self._approve(other))
        for other in inviters:
            self._approve(other)

    def _invite(self, other: Organisation) -> None:
        invited = self.cli.run("peer", "invite", "--for", other.name, *self.site.peer_options)
        self._hand_over(INVITATION, other, invited["text"])

    def _request(self, inviter: Organisation) -> None:
        invitation = self.exchange.receive(inviter, f"{INVITATION}-{self.organisation.short}")
        asked = self.cli.run("peer", "request", invitation, *self.site.peer_options)
        self.terminal.result(f"words: {asked['words']}")
        self._hand_over(WORDS, inviter, asked["words"])

    def _approve(self, other: Organisation) -> str:
        """Approve by the words that the other read out; returns those that stand here."""
        said = self.exchange.receive(other, f"{WORDS}-{self.organisation.short}")
        approved = self.cli.run("peer", "approve", other.name, "--words", said)
        return str(approved["words"])

    def _hand_over(self, what: str, other: Organisation, text: str) -> None:
        self.exchange.give(self.organisation, f"{what}-{other.short}", text)

    def load(self, encoder: Sequence[str]) -> dict[str, Any]:
        """Connect the own model, make the collection, bring the documents in.

        `encoder` holds the options of `encoder add`.
        """
        own = self.organisation
        self.cli.run("encoder", "add", ENCODER, *encoder)
        self.cli.run(
            *("collection", "create", own.collection, "--encoder", ENCODER),
            *("--title", own.title, "--description", own.description, "--language", "en"),
        )
        counts = self.cli.run("collection", "ingest", own.collection, str(self.site.documents))
        self.terminal.result(f"{counts['documents']} documents in {own.collection}")
        return counts

    def embed_anchors(self) -> None:
        """Encode the public anchors with the own model and hand the result over."""
        own = self.organisation
        self.cli.run("anchors", "import", str(self.site.anchors), "--name", ANCHOR_SET)
        self.cli.run("anchors", "embed", ANCHOR_SET, "--encoder", ENCODER)
        file = str(self.exchange.place(own, EMBEDDINGS))
        self.cli.run("anchors", "export", ANCHOR_SET, "--encoder", ENCODER, "--out", file)

    def share_space(self) -> dict[str, Any]:
        """Make the shared space, where this is the first; sign it, where the second; join it.

        Joining fits the own maps into the space and out of it, and measures the routes.
        """
        embeddings = [
            part
            for other in self.others
            for part in ("--member", str(self.exchange.awaited(other, EMBEDDINGS)))
        ]
        encoder = ("--encoder", ENCODER)
        manifest = self.exchange.folder / f"{SPACE}.space.json"
        author, signer, *_ = ORGANISATIONS
        if self.organisation is author:
            self.cli.run(
                *("space", "create", SPACE, "--anchors", ANCHOR_SET, *encoder, *embeddings),
                *("--threshold", str(SIGNATURES), "--out", str(self.exchange.folder)),
            )
        self.exchange.await_path(manifest)
        if self.organisation is signer:
            signed = self.cli.run("space", "sign", str(manifest), *encoder, *embeddings)
            self.exchange.give(signer, SIGNED, str(signed["signatures"]))
        self.exchange.awaited(signer, SIGNED)
        joined = self.cli.run("space", "join", str(manifest), *encoder, *embeddings)
        self.terminal.table(
            ("asker", "responder", "maps", "MRR", "nDCG@10", "overlap@10"),
            [
                (row["asker"], row["responder"], row["route"], *_figures(row))
                for row in joined["routes"]
            ],
        )
        self.exchange.give(self.organisation, JOINED, joined["name"])
        return joined

    def refresh(self) -> None:
        """Fetch the others' cards, which offer the new routes now; nodes do this by themselves."""
        for other in self.others:
            self.exchange.awaited(other, JOINED)
            self.cli.run("peer", "refresh", other.name)

    def grant(self) -> None:
        """Permit the two others to ask for research."""
        path = self.site.data / "grants.toml"
        path.write_text(grant_file(self.organisation, self.others), encoding="utf-8")
        applied = self.cli.run("policy", "apply", str(path))
        self.terminal.result(f"grants in force: generation {applied['generation']}")


def _figures(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(f"{row[name]['value']:.3f}" for name in ("mrr", "ndcg_10", "overlap_10"))
