"""Which module holds which group of operations; a module is imported when first needed.

To add a group, add its line. The group is the part of an operation's name before the dot; an
operation that has a module of its own has a line under its whole name.
"""

from __future__ import annotations

from importlib import import_module

from node.operations.errors import NotFound
from node.operations.registry import Operation, registered

MODULES: dict[str, str] = {
    "adapter": "node.operations.adapters",
    "anchors": "node.operations.anchors",
    "audit": "node.operations.audit",
    "audit.content": "node.operations.audit_content",
    "audit.erase": "node.operations.audit_content",
    "audit.export": "node.operations.audit_export",
    "audit.open-actor": "node.operations.audit_actor",
    "audit.report": "node.operations.audit_report",
    "audit.search": "node.operations.audit_search",
    "audit.witness": "node.operations.audit_witness",
    "audit.witness-keys": "node.operations.audit_witness",
    "budget": "node.operations.budgets",
    "catalog": "node.operations.register",
    "collection": "node.operations.collections",
    "collection.both": "node.operations.strategies",
    "collection.bridge": "node.operations.bridging",
    "collection.cutover": "node.operations.migration",
    "collection.estimate": "node.operations.migration",
    "collection.estimate-bridge": "node.operations.bridging",
    "collection.export": "node.operations.moving",
    "collection.golden": "node.operations.judging",
    "collection.import": "node.operations.moving",
    "collection.questions": "node.operations.past_questions",
    "collection.judge": "node.operations.judging",
    "collection.migrate": "node.operations.migration",
    "collection.progressive": "node.operations.strategies",
    "collection.retire": "node.operations.retiring",
    "collection.rollback": "node.operations.migration",
    "collection.stop": "node.operations.strategies",
    "collection.supply": "node.operations.supplying",
    "encoder": "node.operations.encoders",
    "exposure": "node.operations.budgets",
    "key": "node.operations.keys",
    "pairing": "node.operations.pairing",
    "partners": "node.operations.partners",
    "peer": "node.operations.peers",
    "policy": "node.operations.policy",
    "query": "node.operations.query",
    "resolve": "node.operations.resolve",
    "selection": "node.operations.selection",
    "space": "node.operations.spaces",
    "space.create": "node.operations.space_making",
    "space.join": "node.operations.space_joining",
    "space.leave": "node.operations.space_joining",
    "space.sign": "node.operations.space_making",
    "doctor": "node.operations.doctor",
    "status": "node.operations.status",
    "token": "node.operations.tokens",
}


def find(name: str) -> Operation:
    """The operation of that name.

    Raises:
        NotFound: no such operation.
    """
    module = MODULES.get(name, MODULES.get(name.partition(".")[0]))
    if module is not None:
        import_module(module)
        known = registered()
        if name in known:
            return known[name]
    raise NotFound(
        f"There is no operation {name!r}.",
        fix="Use a command line of the same version as the running node.",
        code="unknown-operation",
    )


def load_all() -> dict[str, Operation]:
    """Import every group and return all operations by name."""
    for module in MODULES.values():
        import_module(module)
    return registered()
