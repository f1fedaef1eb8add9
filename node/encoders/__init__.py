"""Encoders turn texts into vectors of one declared space."""
