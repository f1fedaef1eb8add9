"""What partners lose or gain by another model, as `judge` and the dry runs show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.cli.output import line, note, table

if TYPE_CHECKING:
    from node.operations.partner_routes import PartnerRoutes


def show_partner_routes(one: PartnerRoutes) -> None:
    """Show each partner's way through a shared space, and who was not measured."""
    if one.partners:
        table(
            ("THROUGH", "PARTNER", "MEASURE", "NOW", "THEN", "DIFFERENCE", "95% INTERVAL"),
            (
                (
                    each.space, each.organisation, measure, f"{figure.serving:.3f}",
                    f"{figure.other:.3f}", f"{figure.difference:+.3f}",
                    f"{figure.low:+.3f} to {figure.high:+.3f}",
                )
                for each in one.partners
                for measure, figure in each.figures.items()
            ),
        )  # fmt: skip
        line(f"on {one.partners[0].questions} held-out anchors")
    for each in one.partners:
        if each.against:
            line(f"a partner loses more than is allowed: {each.against}")
    for said in one.partners_unmeasured:
        note(said)
