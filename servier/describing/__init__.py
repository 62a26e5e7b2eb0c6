"""Results in words and small tables, for a terminal."""

from servier.describing.answers import describe_answer, describe_explanation
from servier.describing.audits import describe_audit
from servier.describing.checkpoints import (
    describe_checkpoint,
    describe_domain,
    describe_input,
    describe_metrics,
)
from servier.describing.evaluations import describe_comparison, describe_evaluation, describe_nested

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
]
