"""Questions between organisations: answering partners, asking them, and whom to trust."""
