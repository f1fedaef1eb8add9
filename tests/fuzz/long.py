"""Running one target for as long as wanted: `python -m tests.fuzz.root --seconds 600`.

By random bytes, or by coverage with `--engine atheris` where that is installed.
"""

import argparse
import gc
import secrets
import sys
import time
import traceback
from pathlib import Path
from types import FunctionType

from tests.fuzz.target import Target

MOST_BYTES = 256
OWN = ("protocol.", "node.", "adapters.", "keys.")
"""What coverage is looked at of; the target's modules are loaded by now."""


def main(target: Target) -> None:
    """Fuzz until the time is over or something is found."""
    parser = argparse.ArgumentParser(description=f"{target.name}: {target.sentence}")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--engine", choices=("random", "atheris"), default="random")
    parser.add_argument("--replay", type=Path, help="a file that a crash left")
    options = parser.parse_args()
    if options.replay is not None:
        say("accepted" if target.try_out(options.replay.read_bytes()) else "refused")
    elif options.engine == "atheris":
        sys.exit(by_coverage(target, options.seconds))
    else:
        sys.exit(at_random(target, options.seconds))


def at_random(target: Target, seconds: int) -> int:
    """Try random bytes; 1 where something was found, which is kept in a file."""
    until, tries, accepted = time.monotonic() + seconds, 0, 0
    while time.monotonic() < until:
        raw = secrets.token_bytes(secrets.randbelow(MOST_BYTES))
        tries += 1
        try:
            accepted += target.try_out(raw)
        except Exception:
            path = Path(f"crash-{target.name}-{raw[:8].hex()}")
            path.write_bytes(raw)
            traceback.print_exc()
            say(f"try {tries}: {target.input(raw)[:2000]!r}\nkept: {path} (--replay {path})")
            return 1
    say(f"{target.name}: {tries:,} tries, {accepted:,} accepted, all others refused by name")
    return 0


def by_coverage(target: Target, seconds: int) -> int:
    """Let atheris (libFuzzer) look for bytes that reach new code."""
    try:
        import atheris
    except ImportError:
        say(
            "atheris is not installed (`pip install atheris`; it has no wheels for every platform"
            " and Python); without --engine the same target runs on random bytes."
        )
        return 2
    for own in gc.get_objects():
        if isinstance(own, FunctionType) and str(own.__module__).startswith(OWN):
            atheris.instrument_func(own)
    atheris.Setup(
        [sys.argv[0], f"-max_total_time={seconds}", f"-max_len={MOST_BYTES}"],
        lambda raw: target.try_out(raw) and None,
    )
    atheris.Fuzz()
    return 0


def say(line: str) -> None:
    """Tell the person who runs it."""
    sys.stdout.write(f"{line}\n")
