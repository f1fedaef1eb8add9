import socket
import threading
from pathlib import Path

from examples.three_organisations.recording import Recorder


def echo_server() -> tuple[socket.socket, int]:
    """Send back, in capitals, what comes, connection after connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                while data := connection.recv(1000):
                    connection.sendall(data.upper())

    threading.Thread(target=serve, daemon=True).start()
    return listener, listener.getsockname()[1]


def test_both_directions_of_each_connection_are_kept(tmp_path: Path) -> None:
    listener, port = echo_server()
    recorder = Recorder("clinic", 0, port, tmp_path)
    for said in (b"first", b"second"):
        with socket.create_connection(("127.0.0.1", recorder.port)) as client:
            client.sendall(said)
            assert client.recv(100) == said.upper()
    recorder.close()
    listener.close()
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert kept == {
        "clinic.0001.to-node": b"first",
        "clinic.0001.from-node": b"FIRST",
        "clinic.0002.to-node": b"second",
        "clinic.0002.from-node": b"SECOND",
    }


def test_a_node_that_is_down_is_down_behind_it_too(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        recorder = Recorder("clinic", 0, port, tmp_path)
        with socket.create_connection(("127.0.0.1", recorder.port)) as client:
            assert client.recv(100) == b""
        recorder.close()


def test_closing_cuts_what_is_open(tmp_path: Path) -> None:
    listener, port = echo_server()
    recorder = Recorder("clinic", 0, port, tmp_path)
    with socket.create_connection(("127.0.0.1", recorder.port)) as client:
        client.sendall(b"x")
        assert client.recv(100) == b"X"
        recorder.close()
        assert client.recv(100) == b""
    listener.close()
