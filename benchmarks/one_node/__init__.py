"""What `benchmarks/queries.py` is made of."""
