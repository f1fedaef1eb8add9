"""The OpenAPI 3.1 document of the local API, generated from the endpoints and their models.

Nothing is written by hand twice: paths come from `node/listeners/endpoints.py`, bodies and answers
from the operations' models, summaries from their docstrings. A test asks the running node for every
path and validates the answer against this document.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from node.listeners.endpoints import (
    ENDPOINTS,
    LOG_RESOURCES,
    READERS,
    Endpoint,
    LogResource,
)
from node.operations.catalogue import find
from node.operations.errors import OperationProblem
from node.operations.registry import Operation, Role

REFERENCE = "#/components/schemas/{model}"
PROBLEM = "application/problem+json"
Mode = Literal["validation", "serialization"]


def document() -> dict[str, Any]:
    """The document as plain data."""
    operations = [(endpoint, find(endpoint.operation)) for endpoint in ENDPOINTS]
    wanted: list[tuple[type[BaseModel], Mode]] = [(OperationProblem, "serialization")]
    for _, operation in operations:
        wanted += [(operation.request, "validation"), (operation.result, "serialization")]
    references, schemas = models_json_schema(wanted, ref_template=REFERENCE)
    paths: dict[str, Any] = {}
    for endpoint, operation in operations:
        described = _operation(endpoint, operation, references)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = described
    problem = references[(OperationProblem, "serialization")]
    paths |= {resource.path: {"get": _resource(resource, problem)} for resource in LOG_RESOURCES}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "interlingua local API",
            "version": version("interlingua"),
            "description": "The API of one organisation's node for its own programs.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _resource(resource: LogResource, problem: Any) -> dict[str, Any]:
    """One resource of the log (C2SP tlog-tiles), which is no JSON."""
    places = [part for part in ("tile",) if f"{{{part}}}" in resource.path]
    return {
        "operationId": resource.name,
        "summary": resource.summary,
        "description": f"For tokens with the role {_or(READERS)}. See https://c2sp.org/tlog-tiles.",
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in places
        ],
        "responses": {
            "200": {"description": "The bytes.", "content": {resource.content_type: {}}},
            "default": _refusal(problem),
        },
    }


def _refusal(problem: Any) -> dict[str, Any]:
    return {
        "description": "A problem body (RFC 9457).",
        "content": {PROBLEM: {"schema": problem}},
    }


def _or(roles: frozenset[Role]) -> str:
    return " or ".join(sorted(roles))


def _operation(
    endpoint: Endpoint, operation: Operation, references: dict[Any, Any]
) -> dict[str, Any]:
    answer = references[(operation.result, "serialization")]
    problem = references[(OperationProblem, "serialization")]
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"For tokens with the role {_or(endpoint.roles)}.",
        "responses": {
            "200": {
                "description": "The result.",
                "content": {"application/json": {"schema": answer}},
            },
            "default": _refusal(problem),
        },
    }
    if endpoint.method == "POST":
        body = references[(operation.request, "validation")]
        content = {"application/json": {"schema": body}}
        described["requestBody"] = {"required": True, "content": content}
    else:
        described["parameters"] = _parameters(operation.request)
    return described


def _parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    """The fields of a GET's request as query parameters; they are plain or lists of plain."""
    schema = model.model_json_schema()
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": field}
        for name, field in schema.get("properties", {}).items()
    ]
