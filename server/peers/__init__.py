"""A replica and the writer: reads are answered here, changes are made there."""
