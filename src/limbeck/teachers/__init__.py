"""What a student learns from. `AnyTeacher` is how a recipe names one."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from limbeck.teachers.online import Online, OnlineTeacher


def _spelled_out(value: Any) -> Any:
    """A bare model means that model, run online."""
    return {"kind": "online", "model": value} if isinstance(value, str) else value


AnyTeacher = Annotated[OnlineTeacher, BeforeValidator(_spelled_out)]

__all__ = ["AnyTeacher", "Online", "OnlineTeacher"]
