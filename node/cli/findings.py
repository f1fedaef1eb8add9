"""How findings are shown: by `doctor`, and by `peer test`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.cli.output import finish, line
from node.operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from node.doctor.finding import Diagnosis


def show_findings(diagnosis: Diagnosis, next_step: str) -> None:
    """End a verb with what a check found; exit code 1 when there is a problem."""

    def people() -> None:
        for finding in diagnosis.findings:
            line(f"{finding.level}: {finding.cause} [{finding.code}]")
            line(f"    fix: {finding.fix}")
        if not diagnosis.findings:
            line("nothing is wrong")
        line(f"checked: {', '.join(diagnosis.checked)}")

    finish(
        diagnosis,
        people,
        next_step=next_step,
        exit_code=ExitCode.OK if diagnosis.healthy else ExitCode.FAILED,
    )
