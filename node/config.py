"""The settings of a node: what there is, its form and its default.

The rule of this file: secrets are no settings (`node/passphrase.py`). Settings are read by
`node/config_reading.py`. Every one is documented in docs/configuration.md, which a test compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from node.hsm.settings import Hsm
from node.section import Section
from protocol.limits import CARD_LIFETIME_S
from protocol.notation import Authority, BaseUrl, Organisation

PREFIX = "INTERLINGUA_"
NO_URL = "url is missing: where partners reach this node"
Port = Annotated[int, Field(ge=0, le=65535)]
LOOPBACK = "127.0.0.1"


class FederationListener(Section):
    """The listener that partners reach."""

    enabled: bool = Field(
        True,
        description="false: this node only asks; it has no url and no port that partners reach.",
    )
    host: str = Field(LOOPBACK, description="Address to listen on; 0.0.0.0 for all interfaces.")
    port: Port = Field(8440, description="Port; 0 lets the system choose (see listeners.json).")
    tls_certificate: Path | None = Field(
        None, description="PEM file with the certificate chain that partners see."
    )
    tls_key: Path | None = Field(None, description="PEM file with the certificate's private key.")
    client_ca: Path | None = Field(
        None, description="PEM file of authorities; set, partners must show a certificate of them."
    )
    allow_plaintext: bool = Field(
        False,
        description="Serve without TLS on other addresses than loopback, e.g. behind a TLS proxy.",
    )
    max_connections: int = Field(
        512, ge=1, description="Open connections at once; further ones are closed at accept."
    )
    body_timeout_s: float = Field(
        10.0, gt=0, description="Seconds within which a request's body must have arrived."
    )


class LocalApiListener(Section):
    """The HTTP API for the organisation's own programs."""

    host: str = Field(LOOPBACK, description="Address to listen on.")
    port: Port = Field(8441, description="Port; 0 lets the system choose.")
    allow_remote: bool = Field(
        False, description="Permit another address than loopback (tokens then cross the network)."
    )
    names: tuple[str, ...] = Field(
        (),
        description="Host names under which it may be called; addresses and localhost always may.",
    )
    max_body_bytes: int = Field(
        4 * 1024 * 1024, ge=1024, description="Largest request body, in bytes."
    )


class AdminListener(Section):
    """Health, readiness and metrics."""

    host: str = Field(LOOPBACK, description="Address to listen on.")
    port: Port = Field(8442, description="Port; 0 lets the system choose.")
    allow_remote: bool = Field(
        False, description="Permit another address than loopback (metrics name partners)."
    )
    names: tuple[str, ...] = Field(
        (),
        description="Host names under which it may be called; addresses and localhost always may.",
    )


class Partners(Section):
    """How this node reaches its partners."""

    ca_file: Path | None = Field(
        None,
        description="PEM file of authorities for partners' certificates; default: the system's.",
    )
    client_certificate: Path | None = Field(
        None, description="PEM file with the certificate shown to partners that ask for one."
    )
    client_key: Path | None = Field(None, description="PEM file with that certificate's key.")
    deadline_s: float = Field(
        5.0, gt=0, le=60, description="Seconds that each partner has to answer a query."
    )
    select: int = Field(
        0,
        ge=0,
        description="Of the partners' collections of which enough is known, ask at most so many, "
        "those likely to answer; 0: all.",
    )
    explore: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Share of questions with which one of those left out is asked too, to learn.",
    )
    refresh_s: float = Field(
        900.0, ge=1, description="Seconds between fetches of partners' root documents and cards."
    )


class Keys(Section):
    """How keys succeed each other (docs/operations.md)."""

    lead_s: int = Field(
        86_400,
        ge=0,
        description="Seconds between the publication of a new key, but a root key, and its use.",
    )
    offline_lead_s: int = Field(
        8 * 86_400,
        ge=0,
        description="The same where the root key is elsewhere and must sign the document first.",
    )
    overlap_s: int = Field(
        2 * CARD_LIFETIME_S,
        ge=CARD_LIFETIME_S,
        description="Seconds for which a replaced key stays valid after the new one is in use.",
    )


class Witnessing(Section):
    """Witnesses: whose cosignatures count here, and whether this node gives its own."""

    offer: bool = Field(
        True, description="Cosign partners' checkpoints; false: this node is nobody's witness."
    )
    needed: int = Field(
        1,
        ge=1,
        le=32,
        description="Organisations other than the two parties of an exchange that must have "
        "cosigned before it counts as witnessed.",
    )
    organisations: tuple[Organisation, ...] = Field(
        (), description="Partners that count and are asked as witnesses; default: all that offer."
    )


class Index(Section):
    """How indexes are filled, built and searched (HNSW)."""

    m: int = Field(16, ge=2, le=128, description="Links of each vector in each layer.")
    ef_construction: int = Field(
        200, ge=8, le=4096, description="Candidates kept while an index is built."
    )
    ef: int = Field(64, ge=1, le=4096, description="Candidates kept while it is searched.")
    delta_limit: int = Field(
        1000, ge=1, description="New vectors searched one by one before the index is built anew."
    )
    dead_share: float = Field(
        0.2, gt=0, lt=1, description="Deleted share of an index at which it is built anew."
    )
    max_pieces: int = Field(
        4096,
        ge=1,
        description="Pieces that one document may be cut into; a longer text is refused.",
    )
    build_threads: int | None = Field(
        None, ge=1, description="Threads that build an index; default: all processors but one."
    )
    search_threads: int | None = Field(
        None, ge=1, description="Threads that search; default: one for each processor."
    )


class Sources(Section):
    """Texts of documents that are read by URI instead of being kept (docs/collections.md)."""

    directories: tuple[Path, ...] = Field(
        (),
        description="Directories below which `file:` URIs are read, links followed; none: no file.",
    )
    hosts: tuple[str, ...] = Field(
        (),
        description="Hosts, as host or host:port, from which `https:` URIs are read; none: no "
        "host.",
    )
    max_bytes: int = Field(
        4 * 1024 * 1024, ge=1, le=2**30, description="Bytes that one URI may give at most."
    )
    timeout_s: float = Field(10.0, gt=0, description="Seconds that reading one URI may take.")


class Content(Section):
    """What is kept of exchanges beside the audit log, sealed, and for how long (docs/audit.md)."""

    asked_days: int = Field(
        7,
        ge=0,
        le=3650,
        description="Days for which own questions and partners' answers are kept; 0: not at all.",
    )
    answered_days: int = Field(
        0,
        ge=0,
        le=3650,
        description="Days for which partners' questions and the answers to them are kept; 0: only "
        "the answer, for the day within which it may be given again.",
    )
    actors_days: int = Field(
        365,
        ge=0,
        le=3650,
        description="Days for which it is kept what opens the actors of own questions; 0: not at "
        "all.",
    )
    questions_days: int = Field(
        90,
        ge=0,
        le=3650,
        description="Days for which the texts of own questions are kept whose askers let them be "
        "judged, and golden questions that were made of them; 0: not at all.",
    )


class Audit(Section):
    """The organisation's own rules about its audit log."""

    actor_openers: tuple[str, ...] = Field(
        (),
        description="Who may open the actor of an own question: names of tokens, and `operator` "
        "for whoever owns the data directory. Without any, nobody may.",
    )


class Log(Section):
    """What the running node writes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severity that is written."
    )
    format: Literal["json", "text"] = Field(
        "json", description="json: one object a line; text: for people."
    )


class Versions(Section):
    """Changing a collection's model."""

    worst_difference: float = Field(
        0.02,
        ge=0,
        le=1,
        description="How much nDCG@10 on the golden questions a new version may lose to the former"
        " one before `collection cutover` refuses it.",
    )
    judged_by: Literal["mean", "low"] = Field(
        "mean",
        description="What of the difference on the golden questions must not lie below"
        " -worst_difference: its mean, or the low end of its 95% interval, which takes hundreds of"
        " questions.",
    )
    worst_for_partners: float = Field(
        0.05,
        ge=0,
        le=1,
        description="How much nDCG@10 a partner who asks through a shared space may lose by a new"
        " version, as measured on held-out anchors and beyond its 95% interval, before"
        " `collection cutover` refuses it.",
    )
    watch_s: float = Field(
        3600.0,
        ge=0,
        description="Seconds between looks at serving versions by canaries, golden questions that "
        "are asked again and again; 0: none.",
    )
    canaries: int = Field(
        50, ge=10, le=10_000, description="Golden questions that each look asks at most."
    )
    worst_drop: float = Field(
        0.05,
        ge=0,
        le=1,
        description="How much nDCG@10 on the canaries a serving version may lose against itself "
        "before the watch alarms.",
    )
    far_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of the last questions to which nothing was near above which the watch "
        "alarms; a twentieth is usual.",
    )
    rollback_by_itself: bool = Field(
        False,
        description="Go back to the former version where the serving one lost more than "
        "worst_drop, or its model was exchanged, and the former one finds more.",
    )


class Settings(BaseSettings):
    """All settings of one node; immutable once read."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    organisation: Organisation = Field(
        description="The organisation's domain-like name, lower case."
    )
    url: BaseUrl | None = Field(
        None,
        description="Base URL at which partners reach the federation listener, without a path; "
        "needed unless federation.enabled is false.",
    )
    authorities: tuple[Authority, ...] = Field(
        (), description="Further host:port names under which partners may address this node."
    )
    shutdown_s: float = Field(
        20.0, gt=0, description="Seconds that requests under way get to end after SIGTERM."
    )
    federation: FederationListener = FederationListener()
    local_api: LocalApiListener = LocalApiListener()
    admin: AdminListener = AdminListener()
    keys: Keys = Keys()
    partners: Partners = Partners()
    hsm: Hsm = Hsm()
    witness: Witnessing = Witnessing()
    index: Index = Index()
    sources: Sources = Sources()
    versions: Versions = Versions()
    content: Content = Content()
    log: Log = Log()
    audit: Audit = Audit()

    @model_validator(mode="after")
    def _pairs_are_whole(self) -> Settings:
        """A certificate without its key, or the reverse, is a mistake."""
        for name, first, second in (
            ("federation.tls", self.federation.tls_certificate, self.federation.tls_key),
            ("partners.client", self.partners.client_certificate, self.partners.client_key),
        ):
            if (first is None) != (second is None):
                raise ValueError(f"{name}_certificate and {name}_key belong together; set both")
        return self

    @model_validator(mode="after")
    def _is_reached_or_only_asks(self) -> Settings:
        """Partners are told an address exactly where they can use it."""
        if self.federation.enabled and self.url is None:
            raise ValueError(NO_URL)
        if not self.federation.enabled and (self.url is not None or self.authorities):
            raise ValueError("url and authorities are for nodes with federation.enabled = true")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, whose content comes as keyword arguments."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings
