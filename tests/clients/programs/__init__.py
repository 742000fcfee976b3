"""Agents as people write them with each framework, run by that framework's own Python."""
