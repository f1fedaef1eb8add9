"""The audit log: log.db, its one writer, and the tools that prove what it holds."""
