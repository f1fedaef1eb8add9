"""`interlingua doctor`: what is wrong, why, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.findings import show_findings
from node.cli.invocation import VerbGroup, current
from node.cli.run import run_operation

if TYPE_CHECKING:
    from node.data_directory import DataDirectory
    from node.doctor.finding import Diagnosis

app = VerbGroup()


@app.command()
def doctor(
    organisation: Annotated[
        str | None,
        typer.Argument(help="Check everything between this node and this partner instead."),
    ] = None,
) -> None:
    """Look for what keeps the node from its work; exit code 1 when there is a problem."""
    if organisation is None:
        show_findings(_diagnose(), "interlingua status")
        return
    from node.doctor.finding import Diagnosis
    from node.operations.peers import NamedPeer

    diagnosis = run_operation("peer.test", NamedPeer(organisation=organisation), Diagnosis)
    show_findings(diagnosis, "interlingua partners")


def _in_token(data: DataDirectory) -> frozenset[str]:
    """Purposes whose keys lie in a token; none where the settings cannot be read."""
    from node.config_reading import load_settings
    from node.operations.errors import OperationError

    try:
        return frozenset(load_settings(data.config_file).hsm.labels)
    except OperationError:
        return frozenset()


def _diagnose() -> Diagnosis:
    """All checks; where the node cannot be opened, those of its files and why it cannot."""
    from node.data_directory import DataDirectory, DirectoryExposed
    from node.doctor.files import check_files
    from node.doctor.finding import Diagnosis, in_order, problem
    from node.operations.errors import NotFound, translate
    from node.operations.registry import NoRequest

    data = DataDirectory(current().data)
    try:
        return run_operation("doctor", NoRequest(), Diagnosis)
    except NotFound:
        raise
    except DirectoryExposed:
        findings = []
    except Exception as error:
        failure = translate(error)
        findings = [problem(failure.code, failure.cause, failure.fix)]
    findings += check_files(data, _in_token(data))
    return Diagnosis(findings=in_order(findings), checked=("files",))
