"""After the demo: the nodes go on serving, and this is how one asks them.

The rule of this file: what is printed works when it is pasted, token included; the token ends with
the demo's folder.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Mapping
from typing import Any

from examples.three_organisations.member import Member
from examples.three_organisations.questions import PURPOSE, QUESTIONS
from examples.three_organisations.terminal import Terminal


def keep(members: Mapping[str, Member], nodes: Mapping[str, Any], terminal: Terminal) -> None:
    """Say how to ask, then wait for Ctrl-C."""
    terminal.step("The nodes go on serving; Ctrl-C ends them and removes the folder")
    for name, member in members.items():
        question = next(one.text for one in QUESTIONS if one.asker == name)
        token = member.cli.run("token", "create", "visitor", "--purpose", PURPOSE, shown=False)
        api = nodes[name]["local_api"]["url"]
        body = json.dumps({"texts": [question], "purpose": PURPOSE, "k": 5})
        terminal.say(f"\n   {name}")
        terminal.command(
            [
                "interlingua",
                "query",
                question,
                "--purpose",
                PURPOSE,
                "--data",
                member.cli.shown_data,
            ]
        )
        terminal.command(
            [
                *("curl", "-s", f"{api}/v1/query"),
                *("-H", f"Authorization: Bearer {token['token']}"),
                *("-H", "Content-Type: application/json", "-d", body),
            ]
        )
        terminal.result(f"health and metrics: {nodes[name]['admin']['url']}/healthz, /metrics")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        terminal.say("\nEnding the nodes.")
