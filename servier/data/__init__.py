"""Labelled tables: read, audited, cleared of duplicates and split; and simulated ones."""
