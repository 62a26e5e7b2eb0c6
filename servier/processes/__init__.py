"""Worker processes that may hang or die."""
