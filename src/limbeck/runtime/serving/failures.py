"""Requests that are not answered: which status, and what the caller is told. What was sent is never repeated."""

from __future__ import annotations

from math import ceil

from limbeck.errors import LimbeckError


class Refused(LimbeckError):
    """A request that gets an error in place of an answer."""

    def __init__(self, status: int, kind: str, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.kind = kind
        """One word for programs: `error_type`."""
        self.retry_after = retry_after
        """Seconds."""

    @property
    def content(self) -> dict[str, str]:
        """What the caller reads."""
        return {"error": str(self), "error_type": self.kind}

    @property
    def headers(self) -> dict[str, str]:
        """Beside those that every answer has."""
        return {} if self.retry_after is None else {"retry-after": str(max(1, ceil(self.retry_after)))}


def overloaded(seconds: float) -> Refused:
    """More waits than will be done in time."""
    return Refused(429, "overloaded", "the server is busy; try again in a moment", retry_after=seconds)


def too_late(seconds: float) -> Refused:
    """The answer was not ready in time."""
    return Refused(504, "deadline", f"no answer within {seconds:g} seconds; send less text, or try again later")


def too_large(what: str, limit: int, unit: str) -> Refused:
    """More than one request may have."""
    return Refused(413, "too_large", f"{what} is limited to {limit:,} {unit}; send less at a time")


def invalid(sentence: str) -> Refused:
    """JSON that says nothing we can answer."""
    return Refused(422, "validation", sentence)


def malformed(sentence: str) -> Refused:
    """No JSON."""
    return Refused(400, "bad_request", sentence)


def broken() -> Refused:
    """A defect of ours; what it was stands in the log."""
    return Refused(500, "internal", "the server failed; its log says more")
