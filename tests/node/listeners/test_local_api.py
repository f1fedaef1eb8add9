"""The local API: tokens, roles, purposes and peers, and answers that keep to the document."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import aiohttp
import jsonschema
import pytest

from node.listeners.addresses import Listeners
from node.listeners.endpoints import ENDPOINTS, LOG_RESOURCES, OPENAPI_PATH
from node.operations.registry import Role
from node.tokens import Tokens
from tests.conftest import MakeNode, NewNode, Serving

AT = 1_800_000_000


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


async def ask(
    listeners: Listeners, method: str, path: str, secret: str | None = None, **options: Any
) -> Answer:
    headers = {"Authorization": f"Bearer {secret}"} if secret is not None else {}
    headers.update(options.pop("headers", {}))
    async with (
        aiohttp.ClientSession(listeners.local_api.url) as session,
        session.request(method, path, headers=headers, **options) as answer,
    ):
        return Answer(answer.status, dict(answer.headers), await answer.json(content_type=None))


def token(new: NewNode, role: Role = "asker", purposes: str = "", peers: str = "") -> str:
    """Make a token on a stopped node; names as one string."""
    tokens = Tokens(new.data.tokens_file)
    name = f"{role}-{len(tokens.list())}"
    return tokens.create(name, role, tuple(purposes.split()), tuple(peers.split()), AT)[1]


async def test_without_a_valid_token_nothing_is_told(new_node: NewNode, serving: Serving) -> None:
    token(new_node)
    async with serving(new_node) as listeners:
        for endpoint in ENDPOINTS:
            for secret in (None, "", "ilt_wrong"):
                answer = await ask(listeners, endpoint.method, endpoint.path, secret)
                assert answer.status == 401
                assert answer.headers["WWW-Authenticate"] == "Bearer"
                assert answer.headers["Content-Type"] == "application/problem+json"
                assert "interlingua token create" in answer.body["fix"]


async def test_a_token_works_from_its_creation_to_its_revocation(
    new_node: NewNode, serving: Serving
) -> None:
    from node.cli.admin_client import call
    from node.operations.registry import silent
    from node.operations.tokens import CreateToken, RevokeToken
    from tests.node.test_admin_socket import CALLERS

    def on_socket(name: str, request: Any) -> Any:
        return CALLERS.submit(call, new_node.data.admin_socket, name, request, silent)

    import asyncio

    async with serving(new_node) as listeners:
        created = on_socket("token.create", CreateToken(name="anna", role="auditor"))
        secret = (await asyncio.wrap_future(created))["token"]
        assert (await ask(listeners, "GET", "/v1/status", secret)).status == 200
        await asyncio.wrap_future(on_socket("token.revoke", RevokeToken(name="anna")))
        assert (await ask(listeners, "GET", "/v1/status", secret)).status == 401


async def test_roles_decide_what_a_token_may_call(new_node: NewNode, serving: Serving) -> None:
    secrets: dict[Role, str] = {role: token(new_node, role) for role in ("asker", "auditor")}
    secrets["admin"] = token(new_node, "admin")
    async with serving(new_node) as listeners:
        for endpoint in ENDPOINTS:
            for role, secret in secrets.items():
                answer = await ask(listeners, endpoint.method, endpoint.path, secret)
                if role in endpoint.roles:
                    assert answer.body.get("code") != "role-not-permitted"
                else:
                    assert (answer.status, answer.body["code"]) == (403, "role-not-permitted")


@pytest.mark.parametrize(
    ("purposes", "peers", "asked", "code"),
    [
        ("", "", {"purpose": "research"}, "purpose-not-permitted"),
        ("care", "", {"purpose": "research"}, "purpose-not-permitted"),
        ("care", "", {"purpose": "care-"}, "purpose-not-permitted"),
        (
            "care",
            "b.example",
            {"purpose": "care", "peers": ["b.example", "c.example"]},
            "peer-not-permitted",
        ),
    ],
)
async def test_a_question_outside_the_tokens_limits_is_refused_before_it_leaves(
    new_node: NewNode,
    serving: Serving,
    purposes: str,
    peers: str,
    asked: dict[str, Any],
    code: str,
) -> None:
    secret = token(new_node, purposes=purposes, peers=peers)
    async with serving(new_node) as listeners:
        answer = await ask(listeners, "POST", "/v1/query", secret, json={"texts": ["x"], **asked})
    assert (answer.status, answer.body["code"], answer.body["exit_code"]) == (403, code, 3)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"texts": ["canary-text"], "purpose": "care", "unknown": 1}', 400),
        (b'{"texts": ["canary-text"]}', 400),
        (b'{"texts": ["canary-text"], "vectors": [[1.0]], "purpose": "care"}', 400),
        (b'{"texts": [], "purpose": "care"}', 400),
        (b'{"texts": ["canary-text"], "purpose": "Care!"}', 400),
        (b'["canary-text"]', 400),
    ],
)
async def test_a_malformed_question_is_refused_without_quoting_it(
    new_node: NewNode, serving: Serving, body: bytes, status: int
) -> None:
    secret = token(new_node, purposes="care")
    async with serving(new_node) as listeners:
        answer = await ask(
            listeners,
            "POST",
            "/v1/query",
            secret,
            data=body,
            headers={"Content-Type": "application/json"},
        )
    assert answer.status == status
    assert answer.body["code"] == "invalid-request"
    assert "canary" not in str(answer.body)


async def test_bodies_are_json_and_bounded(make_node: MakeNode, serving: Serving) -> None:
    new = make_node(setting={"local_api.max_body_bytes": 2048})
    secret = token(new, purposes="care")
    async with serving(new) as listeners:
        typed = {"Content-Type": "application/json"}
        wrong = await ask(listeners, "POST", "/v1/query", secret, data=b"{}")
        large = await ask(listeners, "POST", "/v1/query", secret, data=b"x" * 4096, headers=typed)
    assert wrong.status == 415
    assert large.status == 413


async def test_other_paths_and_methods_are_problems_too(
    new_node: NewNode, serving: Serving
) -> None:
    secret = token(new_node)
    async with serving(new_node) as listeners:
        nowhere = await ask(listeners, "GET", "/v1/nothing", secret)
        method = await ask(listeners, "DELETE", "/v1/status", secret)
    assert (nowhere.status, nowhere.body["status"]) == (404, 404)
    assert (method.status, method.headers["Allow"]) == (405, "GET")


async def test_every_documented_path_answers_as_documented(
    new_node: NewNode, serving: Serving
) -> None:
    secret = token(new_node, "admin", purposes="care")
    async with serving(new_node) as listeners:
        document = (await ask(listeners, "GET", OPENAPI_PATH)).body
        assert document["openapi"].startswith("3.1")
        resources = {("get", resource.path) for resource in LOG_RESOURCES}
        assert {(e.method.lower(), e.path) for e in ENDPOINTS} | resources == {
            (method, path) for path, item in document["paths"].items() for method in item
        }
        for path, item in document["paths"].items():
            if ("get", path) in resources:
                continue  # no JSON: tests/node/listeners/test_log_tiles.py
            for method, described in item.items():
                body = {"json": BODIES[path]} if method == "post" else {}
                answer = await ask(listeners, method.upper(), path, secret, **body)
                documented = described["responses"]
                found = documented.get(str(answer.status), documented["default"])
                ((media, content),) = found["content"].items()
                assert answer.headers["Content-Type"] == media
                check(answer.body, content["schema"], document)
                if method == "post":
                    request = described["requestBody"]["content"]["application/json"]["schema"]
                    check(BODIES[path], request, document)


BODIES: dict[str, Any] = {
    "/v1/query": {"texts": ["what is known of this?"], "purpose": "care"},
    "/v1/audit/content": {"index": 0},
    "/v1/audit/open-actor": {"index": 0, "case": "2026-014"},
}


def check(instance: Any, schema: dict[str, Any], document: dict[str, Any]) -> None:
    """Validate against a schema of the document, whose references point into it."""
    whole = {**schema, "components": document["components"]}
    jsonschema.Draft202012Validator(whole).validate(instance)


async def test_query_parameters_are_checked_like_bodies(
    new_node: NewNode, serving: Serving
) -> None:
    secret = token(new_node)
    async with serving(new_node) as listeners:
        good = await ask(
            listeners, "GET", "/v1/partners?peers=b.example&peers=c.example&deadline_s=1", secret
        )
        wrong = await ask(listeners, "GET", "/v1/partners?deadline_s=soon", secret)
        unknown = await ask(listeners, "GET", "/v1/partners?pears=b.example", secret)
    assert good.body.get("code") != "invalid-request"
    assert (wrong.status, unknown.status) == (400, 400)
    assert "deadline_s" in wrong.body["detail"]
    assert "pears" in unknown.body["detail"]


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("GET", "/v1/nothing", {}, 404),
        ("GET", "/", {}, 404),
        ("DELETE", "/v1/query", {}, 405),
        ("GET", "/v1/query", {}, 405),
        ("GET", "/v1/status", {"headers": {"Authorization": "Basic eDp5"}}, 401),
        ("POST", "/v1/query", {"data": b"x", "headers": {"Content-Type": "text/plain"}}, 415),
        ("POST", "/v1/query", {"data": b"[" * 5_000_000}, 413),
        ("POST", "/v1/query", {"json": {"texts": ["x"], "purpose": "research"}}, 403),
        ("POST", "/v1/query", {"json": {"texts": ["x"], "purpose": "care"}}, 404),
        ("POST", "/v1/query", {"json": {"purpose": "care"}}, 400),
        ("POST", "/v1/query", {"json": {"texts": ["x"], "purpose": "care", "k": "ten"}}, 400),
        ("GET", "/v1/status?pears=1", {}, 400),
    ],
)
async def test_every_problem_names_its_cause_and_apart_from_it_a_fix(
    new_node: NewNode,
    serving: Serving,
    method: str,
    path: str,
    sent: dict[str, Any],
    status: int,
) -> None:
    secret = token(new_node, "admin", purposes="care")
    if "data" in sent:
        headers = {"Content-Type": "application/json", **sent.get("headers", {})}
        sent = {"data": io.BytesIO(sent["data"]), "headers": headers}
    async with serving(new_node) as listeners:
        answer = await ask(listeners, method, path, secret, **sent)
    assert answer.status == answer.body["status"] == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body["detail"]
    assert answer.body["fix"]
    assert answer.body["fix"] != answer.body["detail"]


async def test_what_is_refused_of_any_operation_has_the_shape_that_the_document_states(
    new_node: NewNode, serving: Serving
) -> None:
    secrets = {"right": token(new_node, "admin", purposes="care"), "none": None, "wrong": "ilt_x"}
    async with serving(new_node) as listeners:
        document = (await ask(listeners, "GET", OPENAPI_PATH)).body
        for path, methods in document["paths"].items():
            for method, described in methods.items():
                problem = described["responses"]["default"]["content"]["application/problem+json"]
                bad: dict[str, Any] = {"json": {"bogus": 1}} if method == "post" else {}
                query = "" if method == "post" else "?bogus=1"
                for holder, status in (("right", 400), ("none", 401), ("wrong", 401)):
                    answer = await ask(listeners, method, path + query, secrets[holder], **bad)
                    assert answer.status == answer.body["status"] == status, (method, path)
                    assert answer.headers["Content-Type"] == "application/problem+json"
                    check(answer.body, problem["schema"], document)
                refused = await ask(listeners, "DELETE", path, secrets["right"])
                assert refused.status == 405
                assert method.upper() in refused.headers["Allow"]
                check(refused.body, problem["schema"], document)
