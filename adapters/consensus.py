"""The shared space: where all members' anchors meet.

Generalised Procrustes analysis (Gower, "Generalized Procrustes analysis", Psychometrika 40, 1975),
without scaling by member: every member's centred anchor matrix, brought to the same total size and
padded to the widest, is turned towards the mean of all turned ones until the mean stays. The
consensus is defined up to a rotation only; starting from the first member in the order of the
names makes it the same for everyone who computes it.

By the method `whitened` every matrix is whitened first (with a penalty, `adapters.whitening`): what
models share need not be what varies most in each, and a turn of plain matrices sees little else.
For two members of one width that is canonical correlation; for more it is one of its generalised
forms (Kettenring, "Canonical analysis of several sets of variables", Biometrika 58, 1971), in which
members are turned and never stretched.

A member that joins later fits its maps to the consensus as it is: nothing is refitted.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from adapters.consensus_method import USUAL_METHOD, Method
from adapters.errors import TooFewPairs, WrongDimension
from adapters.map import Floats
from adapters.pairs import MIN_PAIRS, Doubles, check_rows
from adapters.procrustes import rotation
from adapters.whitening import whitened

WHITENING_PENALTY = 0.1

MAX_ROUNDS = 100
TOLERANCE = 1e-6
"""Fall of the residual, as a share of one member's size, at which the mean counts as still."""


@dataclass(frozen=True)
class Consensus:
    """A shared space.

    Attributes:
        matrix: (n, d) float32, rows of length 1: where each anchor lies in the shared space.
        rounds: how many rounds it took.
        shifts: per member, the mean of 1 - cosine between the anchors' places and those of the
            consensus without that member; empty with fewer than three members, or where not wanted.
    """

    matrix: Floats
    rounds: int
    shifts: dict[str, float]


@dataclass(frozen=True)
class _Turned:
    """The (n, width) mean of the turned matrices, the (width, width) turns, the rounds it took."""

    mean: Doubles
    turns: dict[str, Doubles]
    rounds: int


def consensus(
    members: Mapping[str, Floats], method: Method = USUAL_METHOD, *, leave_out: bool = True
) -> Consensus:
    """Return the consensus of members' (n, d_m) anchor matrices; row i is the same text for all.

    Without `leave_out` the shifts, which cost most of the time, are not computed.

    Raises:
        FitRefused: fewer than two members, different texts, or a degenerate matrix.
    """
    prepared = _prepare(members, method)
    turned = _turn_together(prepared)
    matrix = _unit_rows(turned.mean)
    shifts = {}
    if leave_out and len(prepared) > 2:
        for left_out in prepared:
            rest = {name: rows for name, rows in prepared.items() if name != left_out}
            others = _turn_together(rest, {name: turned.turns[name] for name in rest})
            shifts[left_out] = shift_between(matrix, _unit_rows(others.mean))
    return Consensus(matrix.astype(np.float32), turned.rounds, shifts)


def _prepare(members: Mapping[str, Floats], method: Method) -> dict[str, Doubles]:
    if len(members) < 2:
        raise TooFewPairs("a consensus needs at least two members")
    shapes = {rows.shape for rows in members.values()}
    counts = {shape[0] for shape in shapes if len(shape) == 2}
    if len(counts) != 1 or any(len(shape) != 2 for shape in shapes):
        raise WrongDimension("members' matrices need one row per anchor text, the same texts")
    if min(counts) < MIN_PAIRS:
        raise TooFewPairs(f"{min(counts)} anchors; a consensus needs at least {MIN_PAIRS}")
    width = max(shape[1] for shape in shapes)
    return {
        name: _sized(check_rows(members[name], name), width, method) for name in sorted(members)
    }


def _sized(rows: Doubles, width: int, method: Method) -> Doubles:
    """Centre, whiten where the method says so, bring to total size 1, pad to (n, width)."""
    centred = rows - rows.mean(axis=0)
    if method == "whitened":
        centred = whitened(centred, WHITENING_PENALTY)
    centred /= np.linalg.norm(centred)
    return np.pad(centred, ((0, 0), (0, width - rows.shape[1])))


def _turn_together(
    prepared: Mapping[str, Doubles], start: Mapping[str, Doubles] | None = None
) -> _Turned:
    """Turn all members towards their mean until it stays.

    Only the products X_i'X_j enter a round, so its cost does not grow with the number of anchors.
    `start` holds turns to begin with, by name.
    """
    names = list(prepared)
    products = {(a, b): prepared[a].T @ prepared[b] for a in names for b in names}
    turns = dict(start) if start else _first_turns(names, products)
    residual = np.inf
    rounds = 0
    while rounds < MAX_ROUNDS:
        rounds += 1
        for name in names:
            # A member's own share of the mean would only hold it back.
            towards = sum(turns[each] @ products[each, name] for each in names if each != name)
            left, _, right = np.linalg.svd(np.asarray(towards))
            turns[name] = left @ right
        agreement = sum(
            float(np.sum((turns[a] @ products[a, b]) * turns[b])) for a in names for b in names
        )
        now = len(names) - agreement / len(names)
        if residual - now <= TOLERANCE:
            break
        residual = now
    mean = np.mean([prepared[name] @ turns[name].T for name in names], axis=0)
    return _Turned(mean, turns, rounds)


def _first_turns(
    names: list[str], products: Mapping[tuple[str, str], Doubles]
) -> dict[str, Doubles]:
    """Turn every member towards the first one."""
    turns = {}
    for name in names:
        left, _, right = np.linalg.svd(products[names[0], name])
        turns[name] = np.asarray(left @ right)
    return turns


def _unit_rows(rows: Doubles) -> Doubles:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, np.finfo(np.float64).tiny))


def shift_between(full: Doubles, other: Doubles) -> float:
    """Return the mean of 1 - cosine per row (n, d) after the best turn of `other` onto `full`."""
    turned = _unit_rows(other @ rotation(other, full).T)
    return float(np.mean(1.0 - np.einsum("ij,ij->i", turned, full)))
