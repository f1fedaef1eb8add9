"""Collections: named sets of documents, each version of one indexed in exactly one space.

The public surface (`registry.Collections`, `collection.Collection`):

    encoders = Encoders(store, clock)                                  # node.encoders.registry
    collections = Collections(store, indexes_directory, encoders, IndexSettings(), clock)
    await collections.load()                      # for a node that serves: every index now
    collections.get(name) -> Collection           # raises UnknownCollection
    collections.all() -> list[Collection]
    await collections.create(name, encoder_name, title=..., description=..., language=...)
    await collections.drop(name)
    await collections.close(); await encoders.close(); store.close()

    collection.name, .title, .description, .language, .encoder
    collection.envelope, .space_id, .version      # of the serving version; never reused, "v3"
    collection.documents                          # number of documents now
    collection.standing                           # its versions: serving, former, aside
    await collection.serving.search(Located(space, vectors), k, visible)  # -> list[Candidates]
    collection.external_id(key), .describe(key)   # None when the document is gone
    await collection.ingest(records, total, progress) -> Counts
    await collection.delete(external_ids) -> int
    await collection.settle(progress), .compact(progress)
"""
