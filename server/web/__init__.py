"""What stands before the memory on HTTP: who calls, and whether the request may pass."""
