"""What exchanges said, kept beside the audit log: sealed, for as long as settings say, erasable.

contents = Contents(files, key_of_keys, log_file, kept)
batch = contents.batch()           the log's writer: keys for what a leaf's exchange said
batch.committed()                  after the commit: to be sealed and written by a thread
contents.read(index)               what is kept for a leaf
Erasures(...).erase(selection)     keys deleted, files emptied, an `erasure` leaf
"""
