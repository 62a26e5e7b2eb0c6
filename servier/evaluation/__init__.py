"""How good a model is on molecules that it never saw."""
