"""Web pages: reports of evaluations, comparisons of two models, and model cards.

Each is a single file that loads nothing: it contains its styles and graphics, and no script.
"""
