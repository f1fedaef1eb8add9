"""What a file or a server of somebody's making cannot do to the node that imports it."""

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import orjson
import pyarrow
import pyarrow.parquet
import pytest

from node.ingest.npy import opened
from node.transfer import files, npy
from node.transfer.check import PROBED, check
from node.transfer.chroma import PAGE, ChromaSource
from node.transfer.errors import NotAsTold, SourceUnreadable, TransferError
from node.transfer.form import Moved
from node.transfer.named_source import NamedSource
from node.transfer.opening import open_source
from node.transfer.pgvector import PgvectorSource
from tests.node.collections.rooms import unseen, vectors
from tests.node.transfer.samples import WIDTH, head, plain, write


def test_nobody_can_foresee_which_pieces_are_encoded_again(tmp_path: Path) -> None:
    rows = vectors(3, WIDTH)
    spans = ((0, 5), (5, 10), (10, 15))
    moved = [Moved(f"d{n}", "", spans, rows, text="firstotherthird") for n in range(200)]
    write(tmp_path / "c.npy", head(), moved)
    source = open_source(NamedSource(source=str(tmp_path / "c.npy")))
    drawn = [check(source, head().envelope, unseen).pieces for _ in range(4)]
    assert [len(pieces) for pieces in drawn] == [PROBED] * 4
    assert len({tuple(sorted(piece.id for piece in pieces)) for pieces in drawn}) > 1
    assert {piece.text for pieces in drawn for piece in pieces} == {"first", "other", "third"}
    for piece in drawn[0]:
        place = ["first", "other", "third"].index(piece.text)
        assert np.array_equal(piece.vector, rows[place])


def columns(**changed: Any) -> dict[str, Any]:
    """The columns of one document of one vector, with some of them changed."""
    flat = pyarrow.array([1, 0, 0, 0], pyarrow.float32())
    texts = {name: pyarrow.array([None], pyarrow.string()) for name in ("uri", "text", "source")}
    made: dict[str, Any] = {
        "id": pyarrow.array(["a"]), "start": pyarrow.array([0]), "stop": pyarrow.array([0]),
        "vector": pyarrow.FixedSizeListArray.from_arrays(flat, WIDTH),
        "labels": pyarrow.array([[]], pyarrow.list_(pyarrow.string())),
        "metadata": pyarrow.array(["{}"]), "encoded": pyarrow.array([False]), **texts,
    }  # fmt: skip
    return {**made, **changed}


def table(path: Path, made: dict[str, Any], **how: Any) -> None:
    """Write columns with a head and an end, whatever they are."""
    end = {"documents": 1, "vectors": 1, "digest": "sha256:" + "0" * 64}
    told = {"interlingua.collection": head().model_dump_json(), "interlingua.end": json.dumps(end)}
    written = pyarrow.table(list(made.values()), names=list(made))
    pyarrow.parquet.write_table(written.replace_schema_metadata(told), path, **how)


FLAT = pyarrow.array([1, 0, 0, 0, 0, 0, 0, 0], pyarrow.float32())


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"labels": pyarrow.array([5])}, "column labels"),
        ({"metadata": pyarrow.array([5])}, "column metadata"),
        ({"start": pyarrow.array([None], pyarrow.int64())}, "row 1"),
        ({"id": pyarrow.array(["a\x1b[2J"])}, "row 1"),
        ({"id": pyarrow.array([None], pyarrow.string())}, "row 1"),
        ({"metadata": pyarrow.array(['{"a":' * 300 + "1" + "}" * 300])}, "nested too deeply"),
        ({"vector": pyarrow.FixedSizeListArray.from_arrays(FLAT, 8)}, "the 4 components"),
        ({"vector": pyarrow.array([[1.0, 0, 0, 0]])}, "no lists of one fixed size"),
    ],
)
def test_a_table_that_is_none_of_ours_is_refused_by_what_is_wrong_with_it(
    changed: dict[str, Any], says: str, tmp_path: Path
) -> None:
    table(tmp_path / "c.parquet", columns(**changed))
    with pytest.raises(NotAsTold, match=says):
        list(open_source(NamedSource(source=str(tmp_path / "c.parquet"))).documents())


def test_a_small_table_does_not_unfold_into_a_large_one(tmp_path: Path) -> None:
    count, long = 800, "x" * (4 << 20)
    same = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * count), pyarrow.array([long]))
    made = {name: pyarrow.concat_arrays([one] * count) for name, one in columns().items()}
    made |= {"id": pyarrow.array([f"d{n}" for n in range(count)]), "text": same}
    table(tmp_path / "c.parquet", made, dictionary_pagesize_limit=8 << 20)
    assert (tmp_path / "c.parquet").stat().st_size < 1 << 20
    source = open_source(NamedSource(source=str(tmp_path / "c.parquet")))
    first = next(iter(source.documents()))  # of 3 GiB, if each row had its own
    assert first.text == long
    assert pyarrow.total_allocated_bytes() < 256 << 20
    source.close()


def test_lines_that_nest_too_deeply_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.npy"
    write(path, head(), plain(1))
    lines = npy.sidecar(path).read_bytes().splitlines()
    nested = b'{"a":' * 300 + b"1" + b"}" * 300
    first = orjson.loads(lines[1])
    for changed, says in (
        ([lines[0], orjson.dumps({**first, "metadata": 7}).replace(b"7", nested, 1)], "nested"),
        ([lines[0].replace(b'"title":', b'"titlez":' + nested + b',"title":', 1)], "nested"),
        ([*lines[:2], b'{"digest":' + nested + b"}"], "nested"),
    ):
        npy.sidecar(path).write_bytes(b"\n".join(changed) + b"\n")
        with pytest.raises(NotAsTold, match=says):
            list(open_source(NamedSource(source=str(path))).documents())


def test_an_array_of_numbers_too_large_is_named_and_not_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "c.npy"
    write(path, head(), plain(2))
    np.save(path, np.load(path).astype(">f8") * 1e300)
    with pytest.raises(NotAsTold, match=r"'d0'.*NaN or an infinity"):
        check(open_source(NamedSource(source=str(path))), head().envelope, unseen)


def test_an_array_that_is_cut_while_it_is_read_ends_the_import_alone(tmp_path: Path) -> None:
    path = tmp_path / "c.npy"
    write(path, head(), plain(4000))
    source = iter(open_source(NamedSource(source=str(path))).documents())
    next(source)
    os.truncate(path, 4096)  # a mapped file would end the whole process by SIGBUS
    with pytest.raises(SourceUnreadable, match="became shorter while it was read"):
        list(source)


def test_an_array_by_columns_has_the_same_rows(tmp_path: Path) -> None:
    rows = np.asarray(vectors(5, WIDTH))
    np.save(tmp_path / "f.npy", np.asfortranarray(rows))
    table = opened(tmp_path / "f.npy", "float32")
    assert np.array_equal(table.rows(1, 4), rows[1:4])
    assert np.array_equal(np.stack(list(table.each())), rows)


def test_two_exports_into_one_file_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "c"
    with files.begin(path) as file:
        file.write(b"of the first")
        with pytest.raises(TransferError, match="written by another export"):
            files.begin(path)
        file.flush()
        files.finish([path])
    assert path.read_bytes() == b"of the first"
    files.part_of(path).write_bytes(b"of one that was killed")
    path.unlink()
    files.begin(path).close()
    assert files.part_of(path).read_bytes() == b""


def test_a_link_that_leads_nowhere_is_a_name_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "c").symlink_to(tmp_path / "nowhere")
    with pytest.raises(SourceUnreadable, match="exists already"):
        files.require_new([tmp_path / "c"])


def test_what_is_of_servers_is_refused_beside_a_file(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="is a file, and --table"):
        open_source(NamedSource(source=str(tmp_path / "c.npy"), table="items"))


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    said: dict[str, Any]

    def do_GET(self) -> None:
        content = orjson.dumps(self.said[self.path.rpartition("/")[2]])
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def chroma(**said: Any) -> Iterator[str]:
    kind = type("Told", (Answers,), {"said": said})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


GOOD = {"items": {"id": "x"}, "count": 1}


@pytest.mark.parametrize(
    "said",
    [
        {"items": [], "count": 1},
        GOOD | {"get": 5},
        GOOD | {"get": {"ids": 7}},
        GOOD | {"get": {"ids": ["a"] * (PAGE + 1)}},
        GOOD | {"get": {"ids": ["a"], "embeddings": "x"}},
        GOOD | {"get": {"ids": ["a"], "embeddings": 1}},
        GOOD | {"get": {"ids": ["a"], "embeddings": [{"a": 1}]}},
        GOOD | {"get": {"ids": ["a"], "embeddings": [[1.0]], "documents": [5]}},
    ],
)
def test_a_server_that_answers_nonsense_is_said_to(said: dict[str, Any]) -> None:
    with (
        chroma(**said) as url,
        pytest.raises(TransferError),
        closing(ChromaSource(url, "items")) as source,
    ):
        list(source.documents())


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:99999", "http://[::1", f"http://{'a' * 70}.x", "http://a..b", "http://"],
)
def test_an_address_that_is_none_is_said_to_be(url: str) -> None:
    with pytest.raises(SourceUnreadable):
        ChromaSource(url, "items")


@pytest.mark.parametrize(
    "row", [("a", "no numbers", None, None), ("a", "[1]", None, "no json"), ("a", "[[{}]]", "", "")]
)
def test_a_column_of_another_kind_is_named(row: tuple[str | None, ...]) -> None:
    source = PgvectorSource.__new__(PgvectorSource)  # rows are read alike from any table
    with pytest.raises(NotAsTold, match="row 1, id 'a'"):
        source._moved(row, "row 1")
