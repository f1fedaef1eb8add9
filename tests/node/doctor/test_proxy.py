"""Doctor names the proxy that partners are reached through, and what is wrong with it."""

from __future__ import annotations

from node.doctor.finding import Diagnosis, in_order, problem, warning
from node.doctor.proxy import check_proxy


def test_the_proxy_is_named_without_its_credentials() -> None:
    (found,) = check_proxy({"HTTPS_PROXY": "http://anna:hunter2@proxy.example:3128"})
    assert (found.code, found.level) == ("proxy", "note")
    assert "http://proxy.example:3128" in found.cause
    assert "anna" not in found.cause
    assert "hunter2" not in found.cause
    assert Diagnosis(findings=(found,), checked=()).healthy


def test_a_proxy_that_cannot_be_used_is_a_problem() -> None:
    (found,) = check_proxy({"HTTPS_PROXY": "socks5://anna:hunter2@proxy.example"})
    assert (found.code, found.level) == ("proxy-invalid", "problem")
    assert "hunter2" not in found.cause + found.fix


def test_without_a_proxy_there_is_nothing_to_say() -> None:
    assert not list(check_proxy({}))


def test_notes_come_after_what_somebody_should_look_at() -> None:
    (note,) = check_proxy({"HTTPS_PROXY": "http://proxy.example:3128"})
    found = in_order((note, warning("b", "", ""), problem("c", "", "")))
    assert [each.level for each in found] == ["problem", "warning", "note"]
