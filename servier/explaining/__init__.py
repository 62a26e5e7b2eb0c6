"""Explanations of scores: Shapley values of atoms and permutation importance of features."""
