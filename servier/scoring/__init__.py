"""From molecules to predictions."""
