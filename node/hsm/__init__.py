"""Keys in a token: signing keys that never leave a hardware security module (PKCS#11)."""
