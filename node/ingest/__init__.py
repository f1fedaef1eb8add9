"""Bringing documents in: files are read, texts are chunked, batches are planned and written."""
