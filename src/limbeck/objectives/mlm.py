"""Masked language modelling (Devlin et al., arXiv 1810.04805): predict the tokens that were masked."""

from typing import Literal

from limbeck.objectives.hard_labels import LabelObjective


class MLM(LabelObjective):
    """Cross-entropy with the original tokens, per masked position; the same arithmetic as `hard_labels`."""

    kind: Literal["mlm"] = "mlm"
