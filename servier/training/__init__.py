"""From a labelled table to a checkpoint."""
