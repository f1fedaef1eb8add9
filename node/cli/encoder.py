"""`interlingua encoder`: what turns texts into vectors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from node.cli.invocation import VerbGroup
from node.cli.output import finish, line, note, table
from node.cli.run import run_operation
from node.operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from node.operations.encoders import AddedEncoder, EncoderInfo

app = VerbGroup(help="Encoders: what turns texts into vectors.")

_CONNECTION = "How the model is run"
_SPACE = "What the model is (part of the space's identity)"
_ABOUT = "About the model"

NameArgument = Annotated[str, typer.Argument(help="Name of the encoder.", show_default=False)]


def _run_option(help_text: str, *names: str) -> Any:
    return typer.Option(*names, help=help_text, rich_help_panel=_CONNECTION, show_default=False)


def _space_option(help_text: str) -> Any:
    return typer.Option(help=help_text, rich_help_panel=_SPACE, show_default=False)


def _about_option(help_text: str) -> Any:
    return typer.Option(help=help_text, rich_help_panel=_ABOUT, show_default=False)


@app.command()
def add(
    name: NameArgument,
    kind: Annotated[
        str, typer.Option(help="openai (any compatible server), sentence-transformers, or caller.")
    ],
    url: Annotated[str | None, _run_option("openai: base URL up to and including /v1.")] = None,
    model: Annotated[str | None, _run_option("Model name, or directory of the model.")] = None,
    api_key_env: Annotated[
        str | None, _run_option("openai: environment variable that holds the API key.")
    ] = None,
    api_key_file: Annotated[
        Path | None, _run_option("openai: file that holds the API key.")
    ] = None,
    ca_file: Annotated[
        Path | None, _run_option("openai: PEM authorities for the server's certificate.")
    ] = None,
    allow_external: Annotated[
        bool,
        _run_option(
            "openai: permit a server outside loopback and private ranges, over https; the texts"
            " of your documents then leave for it.",
            "--allow-external",
        ),
    ] = False,
    batch: Annotated[int | None, _run_option("Texts in one call.")] = None,
    concurrency: Annotated[int | None, _run_option("openai: calls at once.")] = None,
    timeout_s: Annotated[
        float | None, _run_option("openai: seconds for one call.", "--timeout")
    ] = None,
    retries: Annotated[int | None, _run_option("openai: further attempts of a call.")] = None,
    dimensions: Annotated[
        int | None, _run_option("openai: ask the server for shorter vectors.")
    ] = None,
    device: Annotated[
        str | None, _run_option("sentence-transformers: cpu, cuda or mps.")
    ] = None,
    query_prompt: Annotated[str, _space_option("Put before every question.")] = "",
    document_prompt: Annotated[str, _space_option("Put before every document.")] = "",
    provider: Annotated[str | None, _space_option("Who made the model.")] = None,
    model_name: Annotated[
        str | None, _space_option("The model's public name, if --model is not it.")
    ] = None,
    revision: Annotated[
        str | None, _space_option("Its commit or the digest of its weights.")
    ] = None,
    pooling: Annotated[str | None, _space_option("mean, cls, last or none.")] = None,
    normalisation: Annotated[
        str | None, _space_option("l2 (default: vectors are given length 1) or none.")
    ] = None,
    similarity: Annotated[str | None, _space_option("cosine (default), dot or l2.")] = None,
    quantisation: Annotated[str | None, _space_option("Of the weights: none, int8, ...")] = None,
    truncate: Annotated[
        int | None,
        _space_option("Cut the model's vectors to so many components (Matryoshka models only)."),
    ] = None,
    truncated_from: Annotated[
        int | None, _space_option("Width before a Matryoshka cut that the server makes.")
    ] = None,
    envelope: Annotated[
        Path | None,
        _space_option("All of these from a JSON or TOML file, e.g. a partner's; required: caller."),
    ] = None,
    as_space: Annotated[
        str | None,
        typer.Option(
            "--as",
            help="All of these from a space that is known here: its id on a partner's card, or the"
            " beginning; the model must match it.",
            rich_help_panel=_SPACE,
            show_default=False,
        ),
    ] = None,
    dtype: Annotated[
        str | None,
        _about_option("How questions travel: float32 (default), float16 or int8 (l2 only)."),
    ] = None,
    probe_vectors: Annotated[
        Path | None,
        _space_option(
            "caller: a .npy file of your vectors of the probe texts, so that partners recognise"
            " your model (docs/protocol-documents.md, section 6)."
        ),
    ] = None,
    max_tokens: Annotated[
        int | None, _about_option("Where it cuts its input; longer documents are chunked.")
    ] = None,
    training_data: Annotated[str | None, _about_option("Provenance and cut-off.")] = None,
    training_cutoff: Annotated[
        str | None, _about_option("Until when its training data reach, e.g. 2025-06; own catalog.")
    ] = None,
    fine_tuning: Annotated[
        str | None, _about_option("What it was fine-tuned on, by whom; for the own catalog.")
    ] = None,
    license_: Annotated[str | None, typer.Option(
        "--license", help="Of the weights.", rich_help_panel=_ABOUT, show_default=False
    )] = None,
) -> None:  # fmt: skip
    """Add an encoder: its model is probed, its envelope kept."""
    from node.operations.encoders import AddedEncoder, AddEncoder

    settings = {
        "url": url, "model": model, "api_key_env": api_key_env,
        "api_key_file": _absolute(api_key_file), "ca_file": _absolute(ca_file),
        "allow_external": allow_external or None, "batch": batch, "concurrency": concurrency,
        "timeout_s": timeout_s, "retries": retries, "dimensions": dimensions, "device": device,
        "query_prompt": query_prompt or None, "document_prompt": document_prompt or None,
    }  # fmt: skip
    stated = {
        "provider": provider, "model": model_name, "revision": revision, "pooling": pooling,
        "normalisation": normalisation, "similarity": similarity, "quantisation": quantisation,
        "truncated_from": truncated_from, "max_tokens": max_tokens, "dtype": dtype,
        "training_data": training_data, "license": license_,
    }  # fmt: skip
    request = AddEncoder.model_validate(
        {
            "name": name,
            "kind": kind,
            "settings": _given(settings),
            "stated": _given(stated),
            "envelope_file": _absolute(envelope),
            "space": as_space,
            "truncate": truncate,
            "probe_vectors": _absolute(probe_vectors),
            "training_cutoff": training_cutoff,
            "fine_tuning": fine_tuning,
        }
    )
    result = run_operation("encoder.add", request, AddedEncoder)
    if allow_external:
        note("Texts are sent to an external server: every use is logged.")
    finish(
        result,
        lambda: _show_added(result),
        next_step=f"interlingua collection create NAME --encoder {name}",
    )


@app.command("list")
def list_() -> None:
    """List the encoders."""
    from node.operations.encoders import EncoderList
    from node.operations.registry import NoRequest

    result = run_operation("encoder.list", NoRequest(), EncoderList)
    rows = [
        (one.name, one.kind, one.envelope.model, one.envelope.dimension, one.space[:19])
        for one in result.encoders
    ]
    finish(
        result,
        lambda: table(("NAME", "KIND", "MODEL", "DIMENSION", "SPACE"), rows),
        next_step="interlingua encoder test NAME",
    )


@app.command()
def show(
    name: NameArgument,
    envelope_to: Annotated[
        Path | None, typer.Option(help="Write the envelope to a JSON file, to give to a partner.")
    ] = None,
) -> None:
    """Show an encoder with its envelope."""
    from node.operations.encoders import EncoderInfo, EncoderName

    result = run_operation("encoder.show", EncoderName(name=name), EncoderInfo)
    if envelope_to is not None:
        envelope_to.write_text(result.envelope.model_dump_json(indent=1) + "\n", "utf-8")
    finish(
        result,
        lambda: table(("FIELD", "VALUE"), _fields(result)),
        next_step=f"interlingua encoder test {name}",
    )


@app.command("test")
def try_out(
    name: NameArgument,
    text: Annotated[
        list[str] | None,
        typer.Option(help="Own text to compare with others; repeat for more."),
    ] = None,
) -> None:
    """Encode samples: width, lengths, time, and whether it is still the same model."""
    from node.operations.encoders import EncoderTest, EncoderTested

    request = EncoderTest(name=name, texts=tuple(text or ()))
    result = run_operation("encoder.test", request, EncoderTested)

    def people() -> None:
        apart = result.sketch_distance
        line(f"{result.dimension} dimensions, lengths {result.lengths[0]:.4f} to "
             f"{result.lengths[1]:.4f}")  # fmt: skip
        line(f"{result.one_ms} ms for one text, {result.batch_ms} ms for {result.batch}")
        if apart is None:
            line("no probe sketch is stored: whether the model changed cannot be told")
        else:
            line(f"probe sketch {apart:.4f} from its space's, {result.tolerance} is tolerated: "
                 f"{'the same model' if result.same_model else 'ANOTHER MODEL'}")  # fmt: skip
        if result.cosines:
            table([f"TEXT {at + 1}" for at in range(len(result.cosines))], result.cosines)

    finish(
        result,
        people,
        next_step=f"interlingua collection create NAME --encoder {name}"
        if result.same_model
        else f"bring the former model back; until then {name} refuses (interlingua doctor)",
        exit_code=ExitCode.OK if result.same_model else ExitCode.UNVERIFIED,
    )


@app.command()
def remove(name: NameArgument) -> None:
    """Forget an encoder that no collection was made with."""
    from node.operations.encoders import EncoderInfo, EncoderName

    result = run_operation("encoder.remove", EncoderName(name=name), EncoderInfo)
    finish(result, lambda: line(f"removed {name}"), next_step="interlingua encoder list")


def _show_added(result: AddedEncoder) -> None:
    """The encoder, and what is known of its model under this name or another."""
    line(f"added {result.name}: {result.envelope.dimension} dimensions, {result.space}")
    for like in result.likenesses:
        who = f"{like.model} of {like.holder}"
        how = f"probe sketches {like.apart:.4f} apart, {like.words}"
        if like.kind == "shared":
            line(f"one space with {who} ({how})")
        elif like.kind == "same-model":
            note(
                f"the model is recognised as {who} under another name ({how}). To share its space: "
                f"interlingua encoder remove {result.name}, and add it with --as {like.space}"
            )
        else:
            note(
                f"NOT the model of the same name, {who} ({how}): "
                f"{'; '.join(like.reasons)}. Partners reach each other through a shared space: "
                "interlingua space create"
            )


def _fields(one: EncoderInfo) -> list[tuple[str, object]]:
    envelope = one.envelope.model_dump(mode="json", exclude_none=True)
    envelope.pop("probe", None)
    prompts = envelope.pop("prompts")
    return [
        ("name", one.name),
        ("kind", one.kind),
        ("space", one.space),
        *envelope.items(),
        *((f"{role} prompt", digest) for role, digest in prompts.items()),
        *one.settings.items(),
    ]


def _given(options: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in options.items() if value is not None}


def _absolute(path: Path | None) -> str | None:
    """The path for a running node, whose working directory is another."""
    return None if path is None else str(path.absolute())
