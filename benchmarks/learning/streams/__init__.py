"""The streams: where memories, tasks and their true outcomes come from."""
