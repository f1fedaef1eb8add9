"""Witnesses: cosigning partners' checkpoints, and having the own ones cosigned."""
