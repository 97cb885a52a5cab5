"""Answers of exported models: question answering, entities, classes and masked words, without torch."""

from limbeck.runtime.model import Model

__all__ = ["Model"]
