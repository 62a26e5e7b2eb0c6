"""The HTTP service and its page, for one molecule or a few at a time."""
