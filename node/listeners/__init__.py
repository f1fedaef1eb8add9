"""The three HTTP listeners: federation (public), local API and admin (loopback by default)."""
