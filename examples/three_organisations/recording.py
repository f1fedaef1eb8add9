"""A TCP proxy on loopback that keeps every byte that crosses, so that anybody can look at it.

The rule of this file: it passes bytes on unchanged and in order, and writes each to disk before it
passes it on. Without TLS, which the demo does not use on loopback, nothing is hidden from it.

Files: `<name>.<connection>.to-node` and `<name>.<connection>.from-node`, raw bytes.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

TO_NODE, FROM_NODE = "to-node", "from-node"
CHUNK_BYTES = 64 * 1024


class Recorder:
    """Listens on `port`, passes on to `target_port`, and records both directions."""

    def __init__(self, name: str, port: int, target_port: int, folder: Path) -> None:
        self._name, self._target_port, self._folder = name, target_port, folder
        folder.mkdir(parents=True, exist_ok=True)
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._connections = 0
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """Stop listening, cut what is open, and wait until everything is on disk."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:  # closed
                return
            try:
                node = socket.create_connection(("127.0.0.1", self._target_port))
            except OSError:  # the node is down: so is its public address
                caller.close()
                continue
            self._connections += 1
            ends = [caller, node]
            self._open.update(ends)
            for source, sink, direction in ((caller, node, TO_NODE), (node, caller, FROM_NODE)):
                path = self._folder / f"{self._name}.{self._connections:04}.{direction}"
                pump = threading.Thread(
                    target=self._pump, args=(source, sink, path, ends), daemon=True
                )
                self._threads.append(pump)
                pump.start()

    def _pump(
        self, source: socket.socket, sink: socket.socket, path: Path, ends: list[socket.socket]
    ) -> None:
        with path.open("wb") as file:
            _copy(source, sink, file)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            source.shutdown(socket.SHUT_RD)
        ends.remove(source)
        if not ends:  # the other direction has ended too
            for one in (source, sink):
                self._open.discard(one)
                one.close()


def _copy(source: socket.socket, sink: socket.socket, file: BinaryIO) -> None:
    with suppress(OSError):
        while chunk := source.recv(CHUNK_BYTES):
            file.write(chunk)
            file.flush()
            sink.sendall(chunk)
