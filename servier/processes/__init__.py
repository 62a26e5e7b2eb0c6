"""Worker processes, which may hang or die."""
