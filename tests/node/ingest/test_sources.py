"""Texts that stay where they are: read within the rules alone, and only while they are the same."""

import os
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import SplitResult

import pytest
import trustme

from node.ingest.sources import SourceChanged, SourceRules, Sources, SourceUnreadable


def rules(folder: Path, **changes: object) -> SourceRules:
    return replace(SourceRules(directories=(folder,)), **changes)  # type: ignore[arg-type]  # fields of the rules


def test_a_file_is_read_below_the_named_directory_alone(tmp_path: Path) -> None:
    named, outside = tmp_path / "named", tmp_path / "outside"
    named.mkdir()
    outside.mkdir()
    (outside / "key").write_text("a secret")
    (named / "a b.txt").write_text("what it says")
    (named / "inside").symlink_to(named / "a b.txt")
    (named / "link").symlink_to(outside / "key")
    (named / "folder").symlink_to(outside)
    os.mkfifo(named / "pipe")
    sources = Sources(rules(named))
    assert sources.read(f"file://{named}/a%20b.txt")[0] == "what it says"
    assert sources.read(f"file://{named}/inside")[0] == "what it says"
    for path, says in {
        f"{outside}/key": "in no directory that may be read from",
        f"{named}/link": "in no directory that may be read from",
        f"{named}/folder/key": "in no directory that may be read from",
        f"{named}/../outside/key": "in no directory that may be read from",
        f"{named}/pipe": "is no file",
        f"{named}": "is no file",
        f"{named}/nothing": "is not there",
        f"{named}/%00": "is not there",
    }.items():
        with pytest.raises(SourceUnreadable, match=says):
            sources.read(f"file://{path}")
    assert sources.look(f"file://{named}/inside") is None
    assert "no directory" in (sources.look(f"file://{named}/link") or "")
    with pytest.raises(SourceUnreadable, match="in no directory"):
        Sources(SourceRules()).read(f"file://{named}/inside")


def test_a_folder_that_becomes_a_link_after_it_was_judged_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, outside = tmp_path / "named", tmp_path / "outside"
    for folder in (named, named / "folder", outside):
        folder.mkdir()
        (folder / "key").write_text(f"of {folder.name}")
    sources, judged = Sources(rules(named)), Sources._place

    def judged_then_swapped(self: Sources, parts: SplitResult) -> tuple[Path, Path]:
        found = judged(self, parts)
        (named / "folder").rename(named / "before")
        (named / "folder").symlink_to(outside)
        return found

    assert sources.read(f"file://{named}/folder/key")[0] == "of folder"
    monkeypatch.setattr(Sources, "_place", judged_then_swapped)
    with pytest.raises(SourceUnreadable, match="cannot be read"):
        sources.read(f"file://{named}/folder/key")


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"\xff\xfe", "no text in UTF-8"), (b" \n", "blank"), (b"x" * 101, "more than 100 bytes")],
)
def test_what_is_no_text_or_too_much_is_refused(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(SourceUnreadable, match=says):
        Sources(rules(tmp_path, max_bytes=100)).read(f"file://{tmp_path}/a")


def test_a_source_that_changed_is_named_and_not_used(tmp_path: Path) -> None:
    sources, uri = Sources(rules(tmp_path)), f"file://{tmp_path}/a"
    (tmp_path / "a").write_text("first")
    _, digest = sources.read(uri)
    assert sources.read_again(uri, digest) == "first"
    (tmp_path / "a").write_text("second")
    with pytest.raises(SourceChanged, match="has changed since"):
        sources.read_again(uri, digest)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1/a", "https://me@127.0.0.1/a", "https://127.0.0.1/a#b", "ftp://h/a",
        "file://elsewhere/a", "https://[/a", "a.txt", "https://other.example/a",
    ],
)  # fmt: skip
def test_other_uris_are_refused_unread(uri: str, tmp_path: Path) -> None:
    sources = Sources(rules(tmp_path, hosts=("127.0.0.1",)))
    assert sources.look(uri) is not None
    with pytest.raises(SourceUnreadable):
        sources.read(uri)


class Texts(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/a?b")
            self.end_headers()
            return
        self.send_response(200)
        if self.path == "/short":
            self.send_header("Content-Length", "1000")
        self.end_headers()
        while self.path == "/slow":
            try:
                self.wfile.write(b"x")
            except OSError:
                return
            time.sleep(0.02)
        self.wfile.write(f"asked for {self.path}".encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(certificates: trustme.CA) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificates.issue_cert("127.0.0.1").configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), Texts) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_named_host_is_read_over_tls_without_redirects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates = trustme.CA()
    certificates.cert_pem.write_to_path(tmp_path / "ca.pem")
    with serving(certificates) as port:
        sources = Sources(SourceRules(hosts=(f"127.0.0.1:{port}",)))
        uri = f"https://127.0.0.1:{port}/a?b"
        with pytest.raises(SourceUnreadable, match="cannot be read"):
            sources.read(uri)  # by an authority that the system does not know
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert sources.read(uri)[0] == "asked for /a?b"
        with pytest.raises(SourceUnreadable, match="no redirect is followed"):
            sources.read(f"https://127.0.0.1:{port}/moved")
        with pytest.raises(SourceUnreadable, match="cannot be read: IncompleteRead"):
            sources.read(f"https://127.0.0.1:{port}/short")
        with pytest.raises(SourceUnreadable, match="a URI may not have"):
            sources.read(f"https://127.0.0.1:{port}/ü")
        patient = Sources(SourceRules(hosts=(f"127.0.0.1:{port}",), timeout_s=0.2))
        with pytest.raises(SourceUnreadable, match=r"takes longer than 0\.2 s"):
            patient.read(f"https://127.0.0.1:{port}/slow")
        with pytest.raises(SourceUnreadable, match="on a host that may not"):
            Sources(SourceRules(hosts=("127.0.0.1",))).read(f"https://127.0.0.2:{port}/a")
