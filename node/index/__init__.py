"""Nearest-neighbour search over one collection version: immutable snapshot, delta, tombstones."""
