"""Collections: named sets of documents, each version of one indexed in exactly one space.

The public surface (`registry.Collections`, `collection.Collection`):

    collections = Collections(store, indexes_directory, encoders, settings, clock)
    await collections.open()                      # load or rebuild every index
    collections.get(name) -> Collection           # raises UnknownCollection
    collections.all() -> list[Collection]
    await collections.create(name, encoder, title=..., description=..., language=...) -> Collection
    await collections.drop(name)
    collections.on_changed(callback)              # callback(collection name) after every change
    await collections.close()

    collection.name, .title, .description, .language, .encoder (its name)
    collection.envelope, .space_id, .version      # of the active version; version is unique, "v3"
    collection.documents                          # number of documents now
    await collection.search(queries, k, visible)  # -> list[list[Candidate]]
    collection.external_id(key), .describe(key)   # None when the document is gone
    await collection.ingest(records, progress) -> IngestResult
    await collection.delete(external_ids) -> int
    await collection.compact()
"""
