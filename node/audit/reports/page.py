"""A report as one printable HTML page that needs nothing else: no script, no font, no address.

Rule of this file: jinja2 escapes everything that comes from the log, and the page forbids itself to
load anything (Content-Security-Policy).
"""

from __future__ import annotations

from importlib.metadata import version

from jinja2 import Environment, PackageLoader, StrictUndefined

from node.audit.reports.report import Report, moment


def as_page(report: Report, at: int) -> str:
    """Return the page of a report that is made at ``at`` (epoch seconds)."""
    environment = Environment(
        loader=PackageLoader("node.audit.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("page.html.j2")
    return template.render(report=report, made=moment(at), version=version("interlingua"))
