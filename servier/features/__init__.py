"""Molecules to numbers: one featurizer per file, the registry, and the feature Parquet format."""
