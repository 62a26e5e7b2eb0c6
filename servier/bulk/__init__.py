"""Score files of any size: one output row for each input row, durably, in shards, at constant memory."""
