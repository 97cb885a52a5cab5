"""In = kept + dropped (by reason) + errors: what became of everything that a corpus was offered."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from limbeck.corpora.outcomes import Failed
from limbeck.errors import DataError

NAMED = 100
"""Failures whose sentences are kept; all are counted."""


@dataclass
class Count:
    """The fate of one kind of thing."""

    seen: int = 0
    kept: int = 0
    errors: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def balanced(self) -> bool:
        """Whether everything seen is accounted for."""
        return self.seen == self.kept + self.dropped.total() + self.errors

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        return {"in": self.seen, "kept": self.kept, "dropped": dict(self.dropped), "errors": self.errors}


@dataclass
class Tally:
    """The fate of files, of documents, and of the paragraphs in them."""

    files: Count = field(default_factory=Count)
    documents: Count = field(default_factory=Count)
    """A bad record is a document that failed; a bad file is not, since what it would have held is unknown."""
    paragraphs: Count = field(default_factory=Count)
    failures: list[Failed] = field(default_factory=list)

    def fail(self, failed: Failed) -> None:
        """Counts and names something that could not be read."""
        count = self.files if failed.what == "file" else self.documents
        count.seen += 1
        count.errors += 1
        if len(self.failures) < NAMED:
            self.failures.append(failed)

    def drop(self, reason: str, paragraphs: int = 0) -> None:
        """Counts a document that was seen, with its paragraphs, and is left out."""
        self.documents.dropped[reason] += 1
        if paragraphs:
            self.paragraphs.dropped[reason] += paragraphs

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        return {name: getattr(self, name).facts() for name in ("files", "documents", "paragraphs")}

    def check(self, max_errors: float) -> None:
        """Ends the step if too much failed, or if nothing is left.

        Raises:
            DataError: names the first failure.
        """
        for count, what in ((self.files, "files"), (self.documents, "records")):
            if count.errors > max_errors * count.seen:
                raise DataError(self._too_many(count, what, max_errors))
        if self.documents.kept == 0:
            reasons = ", ".join(f"{number} {reason}" for reason, number in self.documents.dropped.items())
            raise DataError(f"nothing is left of {self.documents.seen} documents ({reasons or 'there were none'})")
        assert self.files.balanced, self.files
        assert self.documents.balanced, self.documents
        assert self.paragraphs.balanced, self.paragraphs

    def _too_many(self, count: Count, what: str, max_errors: float) -> str:
        kind = "file" if what == "files" else "record"
        first = next((failed.sentence for failed in self.failures if failed.what == kind), "not named")
        if count.seen == 1:
            return first
        return (
            f"{count.errors} of {count.seen} {what} cannot be read, and max_errors allows {max_errors:.0%};"
            f" the first: {first}"
        )
