"""Builds the pieces of witnessing for a node. Wiring only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.witness.cosigner import Cosigner
from node.witness.follower import Follower
from node.witness.forks import Forks
from node.witness.known import policy_here
from node.witness.own_key import witness_signer
from node.witness.partner_logs import PartnerLogs
from node.witness.record import WitnessRecord
from node.witness.submitter import Submitter
from node.witness.suspicions import Suspicions

if TYPE_CHECKING:
    from node.node import Node


def cosigner_of(node: Node) -> Cosigner:
    """What cosigns partners' checkpoints."""
    return Cosigner(
        node.settings.organisation,
        node.peers,
        WitnessRecord(node.data.witness_file),
        node.suspicions,
        lambda: node.log,
        lambda: witness_signer(node),
        node.clock,
        lambda: node.clock_watch.doubt() is not None,
        node.refresher.suggest,
    )


def submitter_of(node: Node) -> Submitter:
    """What has the own checkpoints cosigned."""
    return Submitter(
        node.settings.witness,
        node.peers,
        node.client,
        lambda: node.log,
        node.clock,
        node.announcer.again,
        node.standing.check_again,
    )


def follower_of(node: Node) -> Follower:
    """What follows up partners' receipts."""
    return Follower(
        node.settings.organisation,
        node.peers,
        partner_logs(node),
        lambda: node.log,
        node.clock,
        lambda: policy_here(node.settings.witness, node.peers),
        node.cosigner,
        node.suspicions,
    )


def suspicions_of(node: Node) -> Suspicions:
    """What keeps evidence of forks."""
    record = WitnessRecord(node.data.witness_file)
    return Suspicions(node.peers, partner_logs(node), Forks(node.data.forks), record)


def partner_logs(node: Node) -> PartnerLogs:
    """What reads partners' logs."""
    return PartnerLogs(node.requests)
