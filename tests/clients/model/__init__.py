"""A scripted model on loopback: what clients send it is kept, what it answers is written down."""
