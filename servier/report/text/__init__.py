"""Results as text and small tables, for a terminal."""

from servier.report.text.answers import describe_answer, describe_explanation
from servier.report.text.audits import describe_audit
from servier.report.text.checkpoints import (
    describe_checkpoint,
    describe_domain,
    describe_input,
    describe_metrics,
    describe_stereo,
    describe_student,
    describe_teachers,
)
from servier.report.text.evaluations import describe_comparison, describe_evaluation, describe_nested

__all__ = [
    "describe_answer",
    "describe_audit",
    "describe_checkpoint",
    "describe_comparison",
    "describe_domain",
    "describe_evaluation",
    "describe_explanation",
    "describe_input",
    "describe_metrics",
    "describe_nested",
    "describe_stereo",
    "describe_student",
    "describe_teachers",
]
