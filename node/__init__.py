"""The running node: all I/O and wiring."""
