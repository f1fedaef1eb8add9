"""Backup and restore of a whole node, and what a restored node must settle before it serves."""
