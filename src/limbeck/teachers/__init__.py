"""What a student learns from. `AnyTeacher` is how a recipe names one."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from limbeck.teachers.base import Teacher
from limbeck.teachers.cached import Blank, Cached, CachedTeacher
from limbeck.teachers.coverage import Coverage, Reading
from limbeck.teachers.ensemble import Ensemble, EnsembleMember, EnsembleTeacher
from limbeck.teachers.online import Online, OnlineTeacher
from limbeck.teachers.providing import Provides


def _spelled_out(value: Any) -> Any:
    """A bare model means that model, run online; so does a mapping without a kind."""
    if isinstance(value, str):
        return {"kind": "online", "model": value}
    return {"kind": "online", **value} if isinstance(value, Mapping) else value


LiveTeacher = Annotated[
    Annotated[OnlineTeacher | EnsembleTeacher, Field(discriminator="kind")], BeforeValidator(_spelled_out)
]
"""A teacher that is run on every batch."""
AnyTeacher = Annotated[
    Annotated[OnlineTeacher | EnsembleTeacher | CachedTeacher, Field(discriminator="kind")],
    BeforeValidator(_spelled_out),
]

__all__ = [
    "AnyTeacher",
    "Blank",
    "Cached",
    "CachedTeacher",
    "Coverage",
    "Ensemble",
    "EnsembleMember",
    "EnsembleTeacher",
    "LiveTeacher",
    "Online",
    "OnlineTeacher",
    "Provides",
    "Reading",
    "Teacher",
]
