"""The command line's side of the admin socket: one POST, then lines of JSON until the result.

Uses the standard library's HTTP client, so that a verb on a running node starts quickly.
"""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from node.data_directory import short_socket_path
from node.operations.errors import OperationProblem, Unavailable, from_problem

if TYPE_CHECKING:
    from pydantic import BaseModel

    from node.operations.registry import Progress


class NobodyListens(Exception):
    """No node answers on the admin socket."""


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket; the host name is only what the Host header says."""

    def __init__(self, path: Path) -> None:
        super().__init__("admin.socket")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with short_socket_path(self._path) as path:
            self.sock.connect(str(path))


def call(path: Path, name: str, request: BaseModel, progress: Progress) -> dict[str, Any]:
    """Run an operation on the node behind the socket at `path`.

    Returns:
        The result model's fields.

    Raises:
        NobodyListens: there is no socket, or nobody accepts on it.
        OperationError: the operation did not succeed.
        Unavailable: the node went away before the result came.
    """
    connection = _UnixConnection(path)
    try:
        try:
            connection.request(
                "POST",
                f"/v1/operations/{name}",
                body=request.model_dump_json().encode(),
                headers={"Content-Type": "application/json"},
            )
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NobodyListens(str(path)) from error
        return _read(connection.getresponse(), progress)
    except (http.client.HTTPException, ConnectionError) as error:
        raise Unavailable(
            "The node went away before the operation ended.",
            fix="Look at the node's log; run `interlingua doctor`; then try again.",
            code="node-went-away",
        ) from error
    finally:
        connection.close()


def _read(response: http.client.HTTPResponse, progress: Progress) -> dict[str, Any]:
    """Pass progress lines on until the line that holds the result or the problem."""
    for raw in response:
        message = json.loads(raw)
        if "progress" in message:
            step = message["progress"]
            progress(step["done"], step["total"], step["what"])
        elif "result" in message:
            result: dict[str, Any] = message["result"]
            return result
        else:
            raise from_problem(OperationProblem.model_validate(message["problem"]))
    raise http.client.IncompleteRead(b"")
