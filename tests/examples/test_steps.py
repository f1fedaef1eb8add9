"""What the steps hand over, say and write, without running a node."""

import io
from pathlib import Path

import pytest

from examples.three_organisations.commands import Cli, CommandFailed
from examples.three_organisations.exchange import Exchange, NeverCame
from examples.three_organisations.grants import AGREEMENT_ID, grant_file
from examples.three_organisations.member import Member, Site
from examples.three_organisations.organisations import ORGANISATIONS, named
from examples.three_organisations.questions import PURPOSE, QUESTIONS, REFUSED_PURPOSE
from examples.three_organisations.terminal import Terminal
from examples.three_organisations.together import each
from node.policy.grants import parse_grants


def a_member(name: str, folder: Path, terminal: Terminal) -> Member:
    site = Site(
        data=folder / name,
        url="http://127.0.0.1:1",
        documents=folder / "documents.jsonl",
        anchors=folder / "anchors.jsonl",
    )
    return Member(named(name), site, Exchange(folder / "exchange", 0.0), terminal)


def test_the_grant_files_are_grants_for_research_only() -> None:
    owner, *peers = ORGANISATIONS
    grants = parse_grants(grant_file(owner, peers), "grants.toml")
    assert [grant.peer for grant in grants] == [peer.name for peer in peers]
    for grant in grants:
        assert grant.collection == owner.collection
        assert grant.purposes == (PURPOSE,)
        assert REFUSED_PURPOSE not in grant.purposes
        assert grant.agreement is not None
        assert grant.agreement.id == AGREEMENT_ID


def test_at_least_five_questions_from_different_askers_about_others_documents() -> None:
    names = {organisation.name for organisation in ORGANISATIONS}
    assert len(QUESTIONS) >= 5
    assert {question.asker for question in QUESTIONS} == names
    for question in QUESTIONS:
        assert question.holder in names - {question.asker}


def test_what_is_handed_over_arrives_whole(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path)
    exchange.give(ORGANISATIONS[0], "fingerprint", "twelve words")
    assert exchange.receive(ORGANISATIONS[0], "fingerprint") == "twelve words"
    assert [path.name for path in tmp_path.iterdir()] == ["arrays.fingerprint"]


def test_what_never_comes_is_named(tmp_path: Path) -> None:
    with pytest.raises(NeverCame, match=r"network\.url"):
        Exchange(tmp_path, patience_s=0.0).receive(named("network"), "url")


def test_nobody_waits_for_what_another_s_failure_prevents(tmp_path: Path) -> None:
    terminal = Terminal(io.StringIO())
    members = {o.name: a_member(o.short, tmp_path, terminal) for o in ORGANISATIONS}
    exchange = Exchange(tmp_path / "exchange")
    for member in members.values():
        member.exchange = exchange

    def act(member: Member) -> None:
        if member.organisation is ORGANISATIONS[2]:
            raise CommandFailed("the cause")
        exchange.receive(ORGANISATIONS[2], "url")

    with pytest.raises(CommandFailed, match="the cause"):
        each(members, act, terminal)


def test_a_command_is_shown_as_it_is_typed(tmp_path: Path) -> None:
    shown = io.StringIO()
    cli = Cli(tmp_path / "node", Terminal(shown))
    refused = cli.run("status", expect=(1,))
    assert f"$ interlingua status --data {tmp_path / 'node'}" in shown.getvalue()
    assert refused["problem"]["fix"]
    with pytest.raises(CommandFailed, match="interlingua status ended with 1"):
        cli.run("status")


def test_what_several_say_at_once_is_shown_in_order(tmp_path: Path) -> None:
    shown = io.StringIO()
    terminal = Terminal(shown)
    members = {o.name: a_member(o.short, tmp_path, terminal) for o in ORGANISATIONS}

    def act(member: Member) -> str:
        for word in ("one", "two"):
            terminal.say(f"{member.organisation.short} {word}")
        return member.organisation.short

    assert each(members, act, terminal) == {o.name: o.short for o in ORGANISATIONS}
    expected = [f"{o.short} {word}" for o in ORGANISATIONS for word in ("one", "two")]
    assert shown.getvalue().split("\n")[:-1] == expected


def test_the_first_failure_is_raised_after_all_have_spoken(tmp_path: Path) -> None:
    shown = io.StringIO()
    terminal = Terminal(shown)
    members = {o.name: a_member(o.short, tmp_path, terminal) for o in ORGANISATIONS}

    def act(member: Member) -> None:
        terminal.say(member.organisation.short)
        if member.organisation is not ORGANISATIONS[0]:
            raise CommandFailed(member.organisation.short)

    with pytest.raises(CommandFailed, match="network"):
        each(members, act, terminal)
    assert shown.getvalue() == "arrays\nnetwork\nrecords\n"
