"""The store: one folder, one writer, LanceDB underneath (see `lance_store`)."""
