"""Run the compose file's own commands without a container engine, and ask one question.

    python -m tests.docker.run_compose

Folders stand for volumes and loopback ports for service names; everything else is as in the file.
It takes some minutes, so `make test` does not run it; the demo's test runs the same steps.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from examples.three_organisations.commands import interlingua_command
from examples.three_organisations.organisations import ORGANISATIONS

ROOT = Path(__file__).parents[2]
NAMES = [organisation.short for organisation in ORGANISATIONS]
QUESTION = ("query", "Solve a system of linear equations", "--purpose", "research")
OWN_PORTS = ("--set=local_api.port=0", "--set=admin.port=0")


class Machine:
    """One machine in place of all containers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.services: dict[str, Any] = yaml.safe_load(
            (ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8")
        )["services"]
        self.ports = {f"{name}{kind}": _port() for name in NAMES for kind in ("", "-model")}
        self.running: list[subprocess.Popen[bytes]] = []

    def command(self, service: str) -> list[str]:
        """A service's entry point and command, with local places in place of the container's."""
        found: dict[str, list[str]] = self.services[service]
        whole = found["entrypoint"] + found["command"]
        assert whole[0] == "python"
        own = service.partition("-")[0]
        return [sys.executable, *(self._local(own, argument) for argument in whole[1:])]

    def _local(self, own: str, argument: str) -> str:
        local = argument.replace("/data/", f"{self.folder}/{own}/").replace("0.0.0.0", "127.0.0.1")  # noqa: S104  # it is replaced, not used
        local = local.replace("/exchange", f"{self.folder}/exchange")
        for name in NAMES:
            local = local.replace(f"//{name}:8440", f"//127.0.0.1:{self.ports[name]}")
            model_port = self.ports[f"{name}-model"]
            local = local.replace(f"//{name}-model:8080", f"//127.0.0.1:{model_port}")
        return str(self.ports[f"{own}-model"]) if local == "8080" else local

    def start(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Start a command from the project's root."""
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        self.running.append(process)
        return process

    def close(self) -> None:
        """End everything."""
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.wait()


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def main() -> int:
    """Bring all services up in the file's order; ask; returns an exit code."""
    with tempfile.TemporaryDirectory(prefix="interlingua-compose-") as folder:
        machine = Machine(Path(folder))
        try:
            for name in NAMES:
                (machine.folder / name).mkdir()
                machine.start(machine.command(f"{name}-model"))
                port = f"--set=federation.port={machine.ports[name]}"
                create = [*machine.command(f"{name}-create"), port, *OWN_PORTS]
                subprocess.run(create, cwd=ROOT, check=True)
                data = str(machine.folder / name / "node")
                serve = machine.services[name]["command"]
                machine.start([interlingua_command(), *serve, "--data", data])
            joining = [machine.start(machine.command(f"{name}-join")) for name in NAMES]
            codes = {process.wait() for process in joining}
            if codes != {0}:
                return 1
            data = str(machine.folder / "network" / "node")
            return subprocess.run([interlingua_command(), *QUESTION, "--data", data]).returncode
        finally:
            machine.close()


if __name__ == "__main__":
    raise SystemExit(main())
