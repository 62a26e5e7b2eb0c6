"""The checkpoint: one file that holds a model and everything needed to trust and use it."""
