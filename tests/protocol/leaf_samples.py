"""One well-formed leaf of every type, with evidence that a real key signed."""

import base64
from typing import Any

from keys.signer import SeedSigner, Signer
from protocol.canonical import digest
from protocol.evidence import Evidence
from protocol.leaf import (
    Acknowledged,
    AdminActed,
    Answered,
    AnyLeaf,
    AuditRead,
    CollectionChanged,
    Compared,
    Denied,
    Erased,
    Exported,
    Failed,
    KeyChanged,
    Offered,
    PeerChanged,
    PolicyApplied,
    ReceiptFacts,
    Received,
    Refused,
    Repeated,
    Sent,
    Started,
    Succeeded,
    Unacknowledged,
    Unanswered,
)
from protocol.leaf_filter import LeafFilter

SIGNER = SeedSigner.from_seed(bytes(range(32)))
AT = 1_790_000_000
BODY = b'{"v":1}'


def evidence(
    body: bytes = BODY, to: str = "bank.example", signer: Signer = SIGNER, created: int = AT
) -> Evidence:
    """Return a query's evidence, signed as RFC 9421 says over the profile's eight components."""
    sha = base64.b64encode(bytes.fromhex(digest(body).removeprefix("sha256:"))).decode()
    components = (
        ("@method", "POST"),
        ("@authority", to),
        ("@path", "/federation/v1/query"),
        ("@query", "?"),
        ("content-type", "application/json"),
        ("content-digest", f"sha-256=:{sha}:"),
        ("interlingua-from", "clinic.example"),
        ("interlingua-to", to),
    )
    names = " ".join(f'"{name}"' for name, _ in components)
    parameters = (
        f'({names});created={created};expires={created + 60};nonce="AAAAAAAAAAAAAAAAAAAAAA"'
        f';keyid="{signer.kid}";alg="ed25519";tag="interlingua-query-v1"'
    )
    unsigned = Evidence(
        components=components,
        signature_input=f"q={parameters}",
        signature="",
        public=base64.urlsafe_b64encode(signer.public).rstrip(b"=").decode(),
    )
    signature = base64.b64encode(signer.sign(unsigned.signature_base())).decode()
    return unsigned.model_copy(update={"signature": f"q=:{signature}:"})


def question(body: bytes = BODY, signer: Signer = SIGNER) -> dict[str, Any]:
    """Return the fields that the leaves of one question share, as the responder bank.example."""
    return {
        "at": AT,
        "peer": "clinic.example",
        "query": digest(body),
        "key": signer.kid,
        "evidence": evidence(body, signer=signer),
        "actor": digest(b"actor"),
        "purpose": "research",
        "agreement": "dpa-2026-04",
        "collection": "papers",
        "space": digest(b"space"),
        "granularity": "bins",
        "k": 10,
        "vectors": 1,
    }


def answered(body: bytes = BODY, **changes: Any) -> Answered:
    """Return an ``answered`` leaf for ``body``."""
    fields: dict[str, Any] = {
        **question(body),
        "policy": digest(b"policy"),
        "grant": "clinic-papers",
        "version": "1",
        "adapter": digest(b"adapter"),
        "score_space": digest(b"shared"),
        "epoch": 3,
        "results": 10,
        "exposed": 10,
        "charged": 1,
        "answer": digest(b"answer " + body),
    }
    return Answered(**{**fields, **changes})


def every_leaf() -> list[AnyLeaf]:
    """Return one leaf of each type."""
    refusal: dict[str, Any] = {
        "at": AT,
        "peer": "clinic.example",
        "query": digest(BODY),
        "key": SIGNER.kid,
        "evidence": evidence(),
        "reason": "purpose-not-granted",
        "answer": digest(b"problem"),
    }
    receipt = ReceiptFacts(
        origin="bank.example/log", index=3, size=7, root=digest(b"r"), leaf=digest(b"l")
    )
    return [
        Sent(**{**question(), "peer": "bank.example", "adapter": digest(b"in"), "route": None}),
        Received(
            at=AT,
            peer="bank.example",
            query=digest(BODY),
            key=SIGNER.kid,
            decision="answered",
            purpose="research",
            collection="papers",
            results=10,
            answer=digest(b"answer"),
            receipt=receipt,
        ),
        Unanswered(at=AT, peer="bank.example", query=digest(BODY), reason="deadline"),
        answered(),
        Repeated(**question(), policy=digest(b"policy"), first=3, answer=digest(b"answer")),
        Denied(**refusal),
        Failed(**{**refusal, **question(), "reason": "search-failed"}),
        Offered(
            **{k: v for k, v in refusal.items() if k != "reason"}, policy=digest(b"p"), offers=2
        ),
        Started(at=AT, origin="bank.example/log", key=SIGNER.kid, size=0, software="0.1.0"),
        Refused(at=AT, peer="clinic.example", minute=AT // 60 * 60, counts={"replayed": 2}),
        PeerChanged(at=AT, peer="clinic.example", state="active", root=SIGNER.kid, by="cli"),
        PolicyApplied(at=AT, policy=digest(b"policy"), generation=1, grants=2),
        KeyChanged(at=AT, key=SIGNER.kid, use="sign", event="created"),
        CollectionChanged(at=AT, collection="papers", event="created", documents=0),
        AdminActed(at=AT, operation="token.create", subject="notebook", by="cli"),
        Compared(**{k: v for k, v in refusal.items() if k != "reason"}, policy=digest(b"p")),
        Acknowledged(
            **{k: v for k, v in refusal.items() if k != "reason"}, message="{}", confirmed=(3, 4)
        ),
        Unacknowledged(at=AT, peer="clinic.example", unconfirmed=(5,)),
        Succeeded(
            at=AT,
            origin="bank.example/log",
            key=SIGNER.kid,
            last="bank.example/log\n1\nAAAA\n\n\N{EM DASH} bank.example/log AAAA\n",
            held_by="clinic.example",
            day=20_000,
            epoch=100,
        ),
        Exported(
            at=AT, peer="clinic.example", begins=0, ends=17, purpose="research", roots=digest(b"r")
        ),
        AuditRead(
            at=AT,
            by="board",
            reading="search",
            filter=LeafFilter(peer="clinic.example", purpose="research", since=AT),
            size=18,
            count=4,
        ),
        Erased(
            at=AT,
            records={"asked": 3, "actor": 2},
            basis="age",
            ranges=((0, 4), (7, 8)),
            before=AT,
            erasure="A" * 22,
        ),
    ]
