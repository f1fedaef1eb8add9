"""`audit report` in each kind and form, on a log whose numbers are known."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from node.audit.entry import Effects, Entry, ExposureEffect
from node.audit.reports.page import as_page
from node.audit.reports.report import Report, ReportTable
from node.audit.reports.sheet import as_csv
from node.cli.main import app
from node.federation.epochs import EPOCH_S, epoch_of
from protocol.canonical import digest
from protocol.leaf import Denied, Refused, Repeated, Sent
from tests.conftest import MakeNode, NewNode
from tests.node.cli.test_audit import fill
from tests.protocol.leaf_samples import AT, SIGNER, answered, evidence, question

DAY = 86_400
ODD = "<script>alert('x')</script>&"


def told(at: int, peer: str, documents: tuple[int, ...], **changes: Any) -> Entry:
    """An answer that told a partner of documents of `papers`."""
    epoch = epoch_of(at)
    leaf = answered(f"{at}{peer}".encode(), at=at, peer=peer, epoch=epoch, **changes)
    leaf = leaf.model_copy(update={"exposed": len(documents), "charged": 0})
    exposed = ExposureEffect(peer, "papers", epoch, dict(Counter(documents)))
    return Entry(leaf, Effects(exposures=exposed))


def refused(at: int, peer: str, reason: str) -> Entry:
    leaf = Denied(
        at=at,
        peer=peer,
        query=digest(f"{at}".encode()),
        key=SIGNER.kid,
        evidence=evidence(),
        reason=reason,
        collection="papers",
        actor="sha256:who-asked",
        answer=digest(b"no"),
    )
    return Entry(leaf)


@pytest.fixture
def bank(make_node: MakeNode) -> NewNode:
    node = make_node("bank.example")
    fill(
        node,
        told(AT, "clinic.example", (1, 2), agreement="A-1"),
        told(AT + 1, "clinic.example", (1,), agreement="A-1"),
        told(AT + 20 * DAY, "clinic.example", (3,), agreement=ODD),
        told(AT + 20 * DAY, "lab.example", (1,), agreement="A-2", purpose="care"),
        told(AT + EPOCH_S, "lab.example", (1,), agreement="A-2", purpose="care"),
        told(AT + EPOCH_S, "clinic.example", (2,), purpose="billing"),
        Entry(Repeated(**question(), policy=digest(b"p"), first=0, answer=digest(b"a"))),
        Entry(Sent(**{**question(), "peer": "lab.example", "vectors": 3})),
        refused(AT, "clinic.example", "not-granted"),
        refused(AT + 1, "clinic.example", "not-granted"),
        refused(AT + 2, "lab.example", "budget-exhausted"),
        Entry(Refused(at=AT, minute=AT // 60 * 60, counts={"replayed": 4, "rate-limited": 2})),
    )
    return node


def report(node: NewNode, *arguments: str) -> Result:
    result = CliRunner().invoke(app, ["audit", "report", *arguments, "--data", str(node.path)])
    assert result.exit_code == 0, result.output
    return result


def assert_nobody(report: str) -> None:
    """No commitment to a person who asked is in it."""
    assert "who-asked" not in report
    assert digest(b"actor") not in report


def tables(node: NewNode, *arguments: str) -> dict[str, list[list[Any]]]:
    made = json.loads(report(node, *arguments, "--json").stdout)
    assert made["origin"] == "bank.example/interlingua"
    assert made["size"] == 12
    assert_nobody(json.dumps(made))
    return {table["title"]: table["rows"] for table in made["tables"]}


def test_disclosures_are_counted_by_partner_period_purpose_and_agreement(bank: NewNode) -> None:
    made = tables(bank, "disclosures", "--until", "2027-01-01")
    rows = [[row[0], row[1], *row[3:6], *row[-3:]] for row in made["Answers to partners"]]
    assert rows == [
        ["clinic.example", "2026-09", "research", "A-1", 2, 3, "2026-09-21", "2026-09-21"],
        ["clinic.example", "2026-09", "research", "dpa-2026-04", 0, 0, "2026-09-21", "2026-09-21"],
        ["clinic.example", "2026-10", "research", ODD, 1, 1, "2026-10-11", "2026-10-11"],
        ["lab.example", "2026-10", "care", "A-2", 1, 1, "2026-10-11", "2026-10-11"],
    ]
    assert [row[6] for row in made["Answers to partners"]] == [0, 1, 0, 0]  # given again
    ((peer, month, *_, questions, vectors, _, _),) = made["Questions sent to partners"]
    assert (peer, month, questions, vectors) == ("lab.example", "2026-09", 1, 3)
    narrow = tables(bank, "disclosures", "--peer", "lab.example", "--period", "year")
    assert [row[1] for row in narrow["Answers to partners"]] == ["2026", "2027"]


@pytest.mark.parametrize("width", ["80", "100"])
def test_a_report_has_room_in_a_terminal(
    bank: NewNode, width: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    for kind in ("disclosures", "denied", "exposure"):
        shown = report(bank, kind).stdout
        assert max(map(len, shown.splitlines())) <= int(width)
        assert "clinic.example" in shown


def test_refusals_are_counted_and_listed(bank: NewNode) -> None:
    made = tables(bank, "denied")
    counts = [(row[0], row[3], row[-3]) for row in made["Refused requests"]]
    assert counts == [("clinic.example", "not-granted", 2), ("lab.example", "budget-exhausted", 1)]
    assert [row[1] for row in made["One by one"]] == ["lab.example", *2 * ["clinic.example"]]
    anybody = [(row[0], row[2], row[3]) for row in made["Refused and only counted"]]
    assert sorted(anybody) == [
        ("(not authenticated)", "rate-limited", 2),
        ("(not authenticated)", "replayed", 4),
    ]


def test_exposure_is_what_the_counters_hold(bank: NewNode) -> None:
    (rows,) = tables(bank, "exposure").values()
    assert [(row[0], row[4], row[5], row[6]) for row in rows] == [
        ("clinic.example", 3, 4, 2),
        ("clinic.example", 1, 1, 1),
        ("lab.example", 1, 1, 1),
        ("lab.example", 1, 1, 1),
    ]
    (first,) = tables(bank, "exposure", "--peer", "lab.example", "--until", "2026-10-15").values()
    assert len(first) == 1


def test_a_report_is_written_as_csv_and_as_a_page_and_replaces_nothing(bank: NewNode) -> None:
    sheet = report(bank, "disclosures", "--format", "csv").stdout
    lines = list(csv.reader(io.StringIO(sheet)))
    assert lines[0] == ["Answers to partners"]
    assert lines[1][:3] == ["Partner", "Month", "Collection"]
    page = bank.path.parent / "page.html"
    report(bank, "denied", "--format", "html", "--out", str(page))
    assert page.stat().st_mode & 0o777 == 0o600
    assert "<h1>Refused requests</h1>" in page.read_text()
    again = CliRunner().invoke(
        app, ["audit", "report", "denied", "--out", str(page), "--data", str(bank.path)]
    )
    assert again.exit_code != 0


class Page(HTMLParser):
    """Collects what a browser would act on, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not {name for name, _ in attrs} & {"href", "src", "onload", "onclick"}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_whatever_a_partner_chose_stays_text() -> None:
    made = Report(
        kind="disclosures",
        title=ODD,
        origin=ODD,
        size=1,
        root="00",
        conditions=((ODD, ODD),),
        tables=(
            ReportTable(title=ODD, columns=(ODD, "N"), rows=((ODD, 1), ("=1+1", 2))),
            ReportTable(title="none", columns=("A",), rows=()),
        ),
        notes=(ODD,),
    )
    page = Page()
    page.feed(as_page(made, AT))
    assert "script" not in page.tags
    assert page.text.count(ODD) == 10
    assert "default-src 'none'" in as_page(made, AT)
    assert "'=1+1" in as_csv(made)


async def test_a_records_report_names_partners_and_purposes_and_no_person(bank: NewNode) -> None:
    from node.collections.errors import UnknownCollection
    from node.ingest.record import Record
    from node.node import Node
    from node.operations.audit_report import ReportRequest
    from node.operations.audit_report import report as make
    from node.operations.errors import InvalidRequest
    from node.operations.registry import silent
    from node.passphrase import Passphrase
    from protocol.leaf import AuditRead, decode_leaf
    from tests.scenarios.world import envelope, vector

    async with Node.opened(bank.data, bank.settings, passphrase=Passphrase()) as node:
        node.encoders.add("given", "caller", {}, envelope())
        collection = await node.collections.create("papers", "given", title="Papers")
        record = Record(id="p1", where="line 1", text="a text", vector=vector(0))
        await collection.ingest([record], 1, silent)
        request = ReportRequest(kind="subject", collection="papers", record="p1")
        before = node.log.size()
        made = await make(node, request, silent)
        who, asked = made.tables
        assert [(row[0], row[3]) for row in who.rows] == [
            ("clinic.example", 2),
            ("lab.example", 1),
            ("lab.example", 1),
        ]
        assert {(row[0], row[2]) for row in asked.rows} == {
            ("clinic.example", "research"),  # and not what it asked for in another half-year
            ("lab.example", "care"),
        }
        assert sum(int(row[4]) for row in asked.rows) == 5
        assert_nobody(made.model_dump_json())
        leaf = decode_leaf(node.log.receipt(node.log.size() - 1).leaf)
        assert isinstance(leaf, AuditRead)
        assert (leaf.by, leaf.reading) == ("operator", "report-subject")
        await make(node, request, silent)  # the same reading: no leaf more
        (by_reference,) = node.references.make("lab.example", "papers", epoch_of(AT), [1])
        named = await make(node, request.model_copy(update={"record": by_reference}), silent)
        assert named.tables == made.tables
        other = {"collection": "other"}
        with pytest.raises(UnknownCollection):  # that there is none is told, and so it is logged
            await make(node, request.model_copy(update=other), silent)
        assert node.log.size() == before + 3
        await collection.delete({"p1"})
        gone = request.model_copy(update={"record": "p1", "period": "year"})
        who, asked, _deleted = (await make(node, gone, silent)).tables
        # nobody knows any more which of the records 1, 2 and 3 it was: all of them are gone
        assert [(row[0], row[3:]) for row in who.rows] == [
            ("clinic.example", (3, 4, 2)),
            ("clinic.example", (1, 1, 1)),
            ("lab.example", (1, 1, 1)),
            ("lab.example", (1, 1, 1)),
        ]
        assert {row[0] for row in asked.rows} == {"clinic.example", "lab.example"}
        named = await make(node, request.model_copy(update={"record": by_reference}), silent)
        assert named.tables[0] == made.tables[0]
        await node.collections.drop("papers")
        assert (await make(node, gone, silent)).tables[0] == who
        for wrong in ({"record": None}, {"kind": "denied"}):
            with pytest.raises(InvalidRequest):
                await make(node, request.model_copy(update=wrong), silent)
