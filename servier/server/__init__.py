"""The HTTP service: one molecule, or a few, at a time; and a page."""
