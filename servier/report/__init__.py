"""Web pages for people: what an evaluation found, how two models compare, and what a model is.

Each is one file that loads nothing: styles and vector graphics stand inside it, and no script does.
"""

from servier.report.card import write_card
from servier.report.comparison import write_comparison
from servier.report.document import Source, write_reports

__all__ = ["Source", "write_card", "write_comparison", "write_reports"]
