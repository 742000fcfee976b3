"""The workshop behind `make demo`: an agent that learns what works by doing it."""
