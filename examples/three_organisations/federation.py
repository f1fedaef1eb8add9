"""Three nodes and three model servers on this machine, each a process of its own.

The rule of this file: it decides addresses and starts processes; what an administrator does is in
`member`, what is asked in `conversation`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from examples.three_organisations.commands import interlingua_command, relative
from examples.three_organisations.corpora import ANCHORS, TRAINING, documents_file
from examples.three_organisations.exchange import Exchange
from examples.three_organisations.member import Member, Site
from examples.three_organisations.organisations import ORGANISATIONS, Organisation
from examples.three_organisations.processes import Process, Processes
from examples.three_organisations.recording import Recorder
from examples.three_organisations.terminal import Terminal
from examples.three_organisations.workplace import free_ports

TEXTS = "examples.three_organisations.corpora"
MODEL_SERVER = "examples.three_organisations.embedding_server"


@dataclass
class Federation:
    """The three members on this machine, in a folder that the run owns.

    With `record`, each node's public address is a recording proxy's, and every byte that crosses
    between nodes is kept in that folder.
    """

    folder: Path
    running: Processes
    terminal: Terminal
    record: Path | None = None
    report: dict[str, Any] = field(default_factory=dict)
    _recorders: list[Recorder] = field(default_factory=list)
    _servers: dict[str, Process] = field(default_factory=dict)
    _texts: list[Process] = field(default_factory=list)

    def start_texts(self, anchors: int | None, documents: int | None) -> None:
        """Start writing public and private texts, each in a process of its own."""
        for part, most in (("public", anchors), ("private", documents)):
            limit = [] if most is None else ["--most", str(most)]
            folder = relative(self.folder / "texts")
            arguments = ["python", "-m", TEXTS, part, "--out", folder, *limit]
            self.terminal.command(arguments)
            self._texts.append(
                self.running.start(
                    [sys.executable, *arguments[1:]], self.folder / "logs" / f"{part}-texts.log"
                )
            )

    def texts(self) -> dict[str, Any]:
        """Wait until the texts are written; returns how many there are."""
        counts: dict[str, Any] = {}
        for process in self._texts:
            counts.update(process.ready())
        return counts

    def start_models(self) -> None:
        """Start the model servers; each fits its recipe on public text first."""
        for organisation in ORGANISATIONS:
            model = self.folder / "models" / f"{organisation.recipe}.safetensors"
            arguments = [
                *("python", "-m", MODEL_SERVER, "--recipe", organisation.recipe),
                *("--model", relative(model)),
                *("--training", relative(self.folder / "texts" / TRAINING)),
            ]
            self.terminal.command(arguments)
            self._servers[organisation.name] = self.running.start(
                [sys.executable, *arguments[1:]],
                self.folder / "logs" / f"{organisation.short}-model.log",
                OMP_NUM_THREADS="1",
            )

    def encoders(self) -> dict[str, list[str]]:
        """Wait until the models are fitted; returns the options of `encoder add` by name."""
        ready = {name: server.ready() for name, server in self._servers.items()}
        return {name: openai_options(said) for name, said in ready.items()}

    def members(self) -> dict[str, Member]:
        """Lay out the three sites; nothing is started yet."""
        ports = free_ports(2 * len(ORGANISATIONS))
        exchange = Exchange(self.folder / "exchange")
        members = {}
        for place, organisation in enumerate(ORGANISATIONS):
            public, own = ports[2 * place], ports[2 * place + 1]
            site = self._site(organisation, public, own if self.record else public)
            members[organisation.name] = Member(organisation, site, exchange, self.terminal)
            if self.record:
                recorder = Recorder(organisation.short, public, own, self.record)
                self._recorders.append(recorder)
        return members

    def _site(self, organisation: Organisation, public: int, own: int) -> Site:
        texts = self.folder / "texts"
        return Site(
            data=self.folder / organisation.short,
            url=f"http://127.0.0.1:{public}",
            documents=texts / documents_file(organisation.short),
            anchors=texts / ANCHORS,
            settings=(
                f"federation.port={own}",
                *("local_api.port=0", "admin.port=0"),
            ),
        )

    def serve(self, member: Member) -> dict[str, Any]:
        """Start a member's node and wait until it listens; returns its addresses."""
        self.terminal.command(["interlingua", "serve", "--data", relative(member.site.data)])
        process = self.running.start(
            [interlingua_command(), "serve", "--json", "--data", str(member.site.data)],
            self.folder / "logs" / f"{member.organisation.short}-node.log",
        )
        return process.ready()

    def close(self) -> None:
        """Write out what the recorders hold; the processes end with `running`."""
        self.running.close()
        for recorder in self._recorders:
            recorder.close()


def openai_options(said: dict[str, Any]) -> list[str]:
    """The options of `encoder add` for a model server that said this when it was ready."""
    return [
        *("--kind", "openai", "--url", said["url"], "--model", said["model"]),
        *("--provider", "three-organisations", "--revision", said["revision"]),
    ]
