"""Why a molecule gets its score."""
