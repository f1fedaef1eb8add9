"""store.db: the truth about collections, documents, labels, vectors and what other rooms keep."""
