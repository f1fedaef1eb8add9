"""Everything at once for an hour: questions, ingestion, key rotation, a partner that flaps."""
