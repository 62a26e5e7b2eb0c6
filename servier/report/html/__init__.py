"""Web pages for people: what an evaluation found, how two models compare, and what a model is.

Each is one file that loads nothing: styles and vector graphics stand inside it, and no script does.
"""
