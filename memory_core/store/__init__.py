"""The store: one folder, one writer, LanceDB underneath (see `lance_store`)."""

import os

os.environ.setdefault("LANCEDB_LOG", "error")  # read at import; it warns of what is normal here
# Lance makes its pool of threads two smaller than the machine has cores: one thread on up to
# three, where work that waits for other work of the pool waits for ever
os.environ.setdefault("LANCE_CPU_THREADS", str(max(8, (os.cpu_count() or 1) - 2)))
