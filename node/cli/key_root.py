"""`interlingua key root`: the root key and its document; `create` and `sign` need no node."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import BaseModel

from node.cli.invocation import VerbGroup
from node.cli.output import finish, line, note
from node.cli.run import run_operation

if TYPE_CHECKING:
    from protocol.root import RootDocument

app = VerbGroup(help="The root document where the root key is kept elsewhere.")

File = Annotated[Path, typer.Argument(help="File of the next root document.")]


class RootKeyMade(BaseModel):
    """A new root key: its id, its public key, and its twelve words."""

    kid: str
    public: str
    fingerprint: str


class RootSigned(BaseModel):
    """A document that one more root key has signed; `signatures` counts them all."""

    organisation: str
    version: int
    kid: str
    signatures: int


@app.command()
def create(
    file: Annotated[Path, typer.Argument(help="Key file to make; it must not exist.")],
    no_passphrase: Annotated[
        bool,
        typer.Option("--no-passphrase", help="Do not ask for one: the file is only mode 0600."),
    ] = False,
) -> None:
    """Make a root key file anywhere; `key rotate root --public` names it in the next document."""
    from keys.keyfile import write_key
    from keys.signer import SeedSigner
    from keys.words import fingerprint
    from protocol.notation import to_base64url

    signer = SeedSigner.generate()
    write_key(file, signer, "root", None if no_passphrase else _passphrase())
    result = RootKeyMade(
        kid=signer.kid,
        public=to_base64url(signer.public),
        fingerprint=" ".join(fingerprint(signer.public)),
    )

    def people() -> None:
        line(f"public key {result.public}")
        note(f"fingerprint: {result.fingerprint}")

    finish(result, people, next_step=f"interlingua key rotate root --public {result.public}")


@app.command()
def export(file: File) -> None:
    """Write the unsigned next root document: the changes that wait, or a plain renewal."""
    from node.operations.keys import RootDraft
    from node.operations.registry import NoRequest

    result = run_operation("key.export", NoRequest(), RootDraft)
    _write(file, result.document.encode())
    finish(
        result,
        lambda: line(f"version {result.version} is in {file}, without a signature"),
        next_step=f"where the root key is: interlingua key root sign {file} --key root.key",
    )


@app.command()
def sign(
    file: File,
    key: Annotated[Path, typer.Option(help="Key file of a root key.", exists=True, dir_okay=False)],
) -> None:
    """Sign a root document in its file, after showing it; works anywhere, without a node."""
    from keys.keyfile import is_sealed, read_key
    from node.passphrase import Passphrase
    from protocol.root_draft import read_draft, sign_draft

    raw = _read(file)
    document = read_draft(raw)
    _show(document)
    phrase = Passphrase(prompt=True).required() if is_sealed(key) else None
    signer = read_key(key, phrase, purpose="root")
    signed, count = sign_draft(raw, signer)
    _write(file, signed)
    result = RootSigned(
        organisation=document.organisation,
        version=document.version,
        kid=signer.kid,
        signatures=count,
    )
    finish(
        result,
        lambda: line(f"{signer.kid} signed version {document.version}; signatures: {count}"),
        next_step=f"on the node: interlingua key root import {file}",
    )


@app.command("import")
def import_(file: File) -> None:
    """Publish a next root document that its root keys have signed."""
    from node.cli.key import shown
    from node.operations.keys import RootChanged, SignedRoot

    request = SignedRoot(document=_read(file).decode("utf-8", "replace").strip())
    shown(run_operation("key.import", request, RootChanged))


def day(at: int | None) -> str:
    """A time as people read it, to the minute in UTC; nothing for None."""
    from datetime import UTC, datetime

    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%MZ")


def _passphrase() -> bytes | None:
    """From file or variable, else asked for on a terminal; without one the file is plain."""
    from node.passphrase import Passphrase, choose_new

    given = Passphrase().given()
    return choose_new() if given is None and sys.stdin.isatty() else given


def _show(document: RootDocument) -> None:
    note(f"{document.organisation}, version {document.version}, until {day(document.expires)}")
    note(f"address: {document.url or 'none: asks only'}")
    for key in (*document.roots, *document.keys):
        note(f"{key.purpose:5} {key.kid}  {day(key.not_before)} to {day(key.not_after)}")
    for entry in document.revocations:
        note(f"revoked {entry.kid}: {entry.reason}")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}", param_hint="FILE") from None


def _write(file: Path, content: bytes) -> None:
    """Replace the file as a whole, so that a full disk leaves no half of a document."""
    from node import durable_file

    mode = file.stat().st_mode & 0o777 if file.exists() else 0o644 & ~_umask()
    durable_file.replace(file.absolute(), content.rstrip(b"\n") + b"\n", mode)


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current
