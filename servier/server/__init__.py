"""The HTTP shim: one molecule at a time."""
