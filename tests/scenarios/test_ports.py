"""A port that was given out is nobody else's, whether somebody listens on it or not."""

import socket

import pytest

from tests.scenarios.ports import free_port


def test_a_port_stays_taken_and_can_be_listened_on_again_and_again() -> None:
    port = free_port()
    assert free_port() != port
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    for _ in range(2):
        with socket.create_server(("127.0.0.1", port)), pytest.raises(OSError, match="in use"):
            socket.create_server(("127.0.0.1", port))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
