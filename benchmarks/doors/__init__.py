"""Many clients at the doors: what a call costs over HTTP and over stdio."""

NAME = "doors"
CLAIM = "recall and report over HTTP at 1 to 64 clients, beside the same over stdio"
