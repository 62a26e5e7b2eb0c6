"""Evaluation of models on molecules that they were not trained on."""
