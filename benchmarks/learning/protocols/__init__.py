"""Protocols on the simulator for what real data cannot show; run as `-m ...protocols`."""
