"""What each verb is typed like: the examples below `--help` and in docs/cli.md.

The rule of this file: every verb that takes something has an example, and every example is a
command line that its verb takes; tests hold both. The names are those of docs/first-steps.md.
"""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "init": (
        "--organisation clinic.example --url https://node.clinic.example",
        "--organisation desk.example --asks-only --data ~/desk",
    ),
    "serve": ("", "--data /srv/interlingua"),
    "status": ("", "--json"),
    "doctor": ("", "lab.example"),
    "key list": ("",),
    "key rotate": ("sign", "log --now", "root --public root-2.pub"),
    "key revoke": ("Zk3X0b2TqGQ --reason 'the backup disk was stolen'",),
    "key root create": ("root.key",),
    "key root export": ("root-document.json",),
    "key root sign": ("root-document.json --key root.key",),
    "key root import": ("root-document.json",),
    "token create": (
        "my-app --purpose research",
        "board --role auditor",
        "desk --purpose care --peer lab.example",
    ),
    "token list": ("",),
    "token revoke": ("my-app",),
    "encoder add": (
        "main --kind openai --url http://127.0.0.1:8080/v1 --model my-model",
        "local --kind sentence-transformers --model all-MiniLM-L6-v2",
        "given --kind caller --envelope envelope.json --probe-vectors probes.npy",
    ),
    "encoder list": ("",),
    "encoder show": ("main",),
    "encoder test": ("main",),
    "encoder remove": ("main",),
    "collection create": ("papers --encoder main --title 'Our papers'",),
    "collection ingest": ("papers papers.jsonl",),
    "collection list": ("",),
    "collection info": ("papers",),
    "collection delete": ("papers p1 p2",),
    "collection compact": ("papers",),
    "collection drop": ("papers",),
    "collection export": (
        "papers --out papers.parquet",
        "papers --out papers.npy --with-sources",
    ),
    "collection import": (
        "papers papers.parquet --dry-run",
        "papers papers.npy --add-encoder given",
        "legacy postgresql://db.example/search --table items --id-column id"
        " --vector-column embedding --text-column body --encoder main",
        "legacy http://127.0.0.1:8000 --chroma-collection items --encoder main",
    ),
    "collection migrate": (
        "papers --to new --dry-run --price 0.02",
        "papers --to new --rate 50",
    ),
    "collection bridge": ("papers --to new --dry-run --price 0.02", "papers --to new"),
    "collection both": ("papers --to new --dry-run --price 0.02", "papers --to new --rate 50"),
    "collection progressive": (
        "papers --to new --dry-run --price 0.02",
        "papers --to new --share 5,25,50,100 --every 3600",
    ),
    "collection stop": ("papers",),
    "collection supply": (
        "rows vectors.npy --ids ids.txt --to given-2",
        "rows vectors.jsonl --to given-2",
    ),
    "collection golden": (
        "papers golden.jsonl",
        "papers --titles title",
        "papers --anchors public",
    ),
    "collection questions": ("papers --out past.jsonl",),
    "collection judge": ("papers", "papers --version v2"),
    "collection cutover": ("papers", "papers --version v2 --force"),
    "collection rollback": ("papers",),
    "collection retire": ("papers v1", "papers v1 --force --yes"),
    "catalog": ("", "papers"),
    "anchors import": (
        "public-texts.jsonl --name public",
        "beir/scifact --name scifact --limit 4000",
    ),
    "anchors publish": (
        "public --source 'abstracts of open-access papers' --licence CC0-1.0 --out shared",
    ),
    "anchors list": ("",),
    "anchors texts": ("public --out texts.jsonl",),
    "anchors embed": (
        "public --encoder main",
        "public --encoder given --documents d.npy --queries q.npy",
    ),
    "anchors export": ("public --encoder main --out shared",),
    "space create": (
        "our-space --anchors public --encoder main --member shared --out shared",
        "space-2 --anchors public --encoder main --member shared --out shared --replaces our-space",
    ),
    "space join": (
        "shared --encoder main",
        "our-space.space.json --encoder main --member lab.safetensors",
    ),
    "space sign": ("our-space.space.json --encoder main --member shared",),
    "space list": ("",),
    "space show": ("our-space",),
    "space leave": ("our-space", "our-space --encoder old"),
    "adapter compare": (
        "our-space --plot pictures",
        "clinic.safetensors lab.safetensors --anchors public-texts.jsonl",
    ),
    "evaluate": (
        "beir/scifact --anchors public-texts.jsonl --encoder main --encoder other",
        "beir/scifact --anchors public-texts.jsonl --encoder main --encoder other --split topic"
        " --out results",
    ),
    "peer invite": ("--for lab.example", "--for lab.example --valid 12h --output invitation.json"),
    "peer request": ("invitation.json", "invitation.json --output request.json"),
    "peer receive": ("request.json",),
    "peer approve": ("lab.example --words 'six words that the lab read out'",),
    "peer invitations": ("",),
    "peer uninvite": ("7f3a",),
    "peer list": ("",),
    "peer show": ("lab.example",),
    "peer test": ("lab.example",),
    "peer pause": ("lab.example",),
    "peer resume": ("lab.example",),
    "peer revoke": ("lab.example",),
    "peer remove": ("lab.example",),
    "peer refresh": ("lab.example",),
    "peer approve-log": ("lab.example",),
    "policy apply": ("grants/",),
    "policy diff": ("grants/",),
    "policy explain": ("--peer lab.example --collection papers --purpose research",),
    "policy show": ("",),
    "budget show": ("", "lab.example"),
    "budget reset": ("lab.example --collection papers",),
    "exposure show": ("", "lab.example"),
    "partners": ("", "--peer lab.example"),
    "query": (
        "'What is known about relapse after treatment?' --purpose research",
        "'relapse' --purpose research --peer lab.example --where year=2020..2025 -k 20",
        "--vectors questions.npy --encoder main --purpose research --json",
        "'relapse' --purpose research --select 3",
    ),
    "selection show": ("",),
    "selection forget": ("", "lab.example"),
    "resolve": ("REFERENCE --peer lab.example",),
    "audit search": (
        "--peer lab.example --since 7d",
        "--type denied --purpose research --collection papers",
        "--query sha256:47b1... --json",
    ),
    "audit open-actor": ("16 --case 2026-014",),
    "audit report": (
        "disclosures --since 2026-01-01 --until 2027-01-01 --period quarter",
        "disclosures --peer lab.example --format html --out disclosures.html",
        "denied --since 30d --format csv",
        "exposure",
        "subject --collection papers --record p1",
    ),
    "audit verify": (
        "",
        "april.bundle --root 'twelve words of the root key, as its owner told them'",
        "--receipt receipt.txt --root lab.root.json",
        "--log copy-of-log.db --root clinic.root.json",
    ),
    "audit receipt": ("16",),
    "audit export": (
        "--out april.bundle --peer lab.example --since 2026-04-01 --until 2026-05-01",
    ),
    "audit witness list": ("",),
    "audit witness keys": ("",),
    "audit reconcile": ("clinic.bundle lab.bundle",),
    "audit content": ("16",),
    "audit erase": (
        "16 17 --dry-run",
        "--peer lab.example --yes",
        "--before 30d",
        "--subject sha256:9e1c... --dry-run",
        "--asker my-app",
    ),
    "audit fsck": ("",),
    "backup": ("clinic.backup --seal",),
    "restore": ("clinic.backup --data /srv/interlingua", "--without desk.example"),
}
"""Verb with its groups -> what may follow it."""


def command_lines(verb: str) -> tuple[str, ...]:
    """Return a verb's examples as they are typed."""
    return tuple(f"interlingua {verb} {rest}".rstrip() for rest in EXAMPLES.get(verb, ()))


def epilog(verb: str) -> str | None:
    """Return what stands below a verb's `--help`; paragraphs, for each is drawn as one line."""
    lines = command_lines(verb)
    return "\n\n".join(["Examples:" if len(lines) > 1 else "Example:", *lines]) if lines else None
