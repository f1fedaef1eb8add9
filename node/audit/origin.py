"""The name of an organisation's audit log, which stands on its checkpoints and in its card."""


def log_origin(organisation: str) -> str:
    """Return the C2SP tlog-checkpoint origin of an organisation's log."""
    return f"{organisation}/interlingua"
