"""Keys: bytes in, signatures out."""
