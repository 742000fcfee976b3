"""How long tests wait for what must happen: long enough for any machine, however busy.

Nothing is measured by it. A test that waits so long has found something that never happens.
"""

PATIENCE = 240.0
"""Seconds; less than pytest's limit for one test, so that what did not happen is named."""
