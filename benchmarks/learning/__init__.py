"""Learning from outcomes, measured: streams replayed through the product and its rivals."""
