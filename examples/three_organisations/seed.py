"""One organisation's part of the demo alone, for machines and containers of its own.

    python -m examples.three_organisations.seed create --member arrays --data D --exchange X --url U
    python -m examples.three_organisations.seed join --member arrays --data D --exchange X --url U
        --model-url M

`create` makes the node, before it serves; `join` does the rest while it serves and waits for the
two others where it must. Both do nothing where they have been done. The rule of this file: the
steps are the demo's own (`member`), only their order and their addresses are here.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from examples.three_organisations.anchors import public_texts
from examples.three_organisations.commands import CommandFailed
from examples.three_organisations.corpora import (
    ANCHORS,
    documents_file,
    write_documents,
    write_public,
)
from examples.three_organisations.exchange import PATIENCE_S, Exchange, NeverCame
from examples.three_organisations.federation import openai_options
from examples.three_organisations.member import Member, Site
from examples.three_organisations.organisations import ORGANISATIONS, named
from examples.three_organisations.terminal import Terminal

DONE = "seeded"
"""Empty file beside the data directory that says that `join` has been done."""
PRIVATE_NETWORK = ("--allow-private", "--allow-plaintext")


def create(member: Member) -> None:
    """Make the node, once."""
    if (member.site.data / "interlingua.toml").exists():
        member.terminal.say(f"{member.organisation.name} has its node already")
        return
    member.create()


def join(member: Member, model_url: str) -> None:
    """Do everything that comes after the node serves, once."""
    done = member.site.data.with_name(DONE)
    if done.exists():
        member.terminal.say(f"{member.organisation.name} has joined already")
        return
    write_documents(member.site.documents.parent, member.organisation)
    write_public(member.site.anchors.parent, public_texts())
    member.pair()
    member.load(openai_options(model_at(model_url)))
    member.embed_anchors()
    member.share_space()
    member.grant()
    member.refresh()
    done.touch()


def model_at(url: str, patience_s: float = PATIENCE_S) -> dict[str, Any]:
    """What the model server says of its model, once it is fitted. NeverCame when patience ends."""
    until = time.monotonic() + patience_s
    while True:
        try:
            with urllib.request.urlopen(f"{url}/models", timeout=5) as answer:  # noqa: S310  # the operator's own address
                model = json.load(answer)["data"][0]
                return {"url": url, "model": model["id"], "revision": model["revision"]}
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if time.monotonic() > until:
                raise NeverCame(f"no model server answers at {url}") from None
            time.sleep(1.0)


def member_of(chosen: argparse.Namespace) -> Member:
    """The member and its site, as the command line names them."""
    organisation = named(chosen.member)
    texts = chosen.data.with_name("texts")
    site = Site(
        data=chosen.data,
        url=chosen.url,
        documents=texts / documents_file(organisation.short),
        anchors=texts / ANCHORS,
        settings=chosen.set,
        peer_options=PRIVATE_NETWORK,
    )
    return Member(organisation, site, Exchange(chosen.exchange), Terminal())


def main() -> int:
    """Read the command line and do the part that it names."""
    chosen = parser().parse_args()
    member = member_of(chosen)
    try:
        if chosen.part == "create":
            create(member)
        else:
            join(member, chosen.model_url)
    except (CommandFailed, NeverCame) as failed:
        print(f"{member.organisation.name} stopped: {failed}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(description="One organisation's part of the demo.")
    parser.add_argument("part", choices=("create", "join"))
    parser.add_argument("--member", choices=[one.short for one in ORGANISATIONS], required=True)
    parser.add_argument("--data", type=Path, required=True, help="the node's data directory")
    parser.add_argument("--exchange", type=Path, required=True, help="folder that all three see")
    parser.add_argument("--url", required=True, help="where partners reach the node")
    parser.add_argument("--model-url", default="http://127.0.0.1:8080/v1", help="model server")
    parser.add_argument("--set", action="append", default=[], help="a setting as section.key=value")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
