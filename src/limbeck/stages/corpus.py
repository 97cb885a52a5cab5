"""Make a corpus: read text from its sources, hold some out, keep what is held out away from training."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import Field

from limbeck.artifacts import Artifact
from limbeck.config import Step
from limbeck.corpora.counting import Tally
from limbeck.corpora.documents import Document, Split, SplitCounts, read, write
from limbeck.corpora.outcomes import Failed, Finished, Outcome
from limbeck.corpora.sources import AnySource
from limbeck.corpora.splitting import FEW_FILES, Holdout, Shingles, divide, without_leaks
from limbeck.outlines import Outline, Outlines
from limbeck.workspace import Progress, Workspace

REVISION = 2
KIND = "corpus"

CHARACTERS_PER_TOKEN = 4.5
BYTES_PER_CHARACTER = 0.4
"""Of English prose in Parquet with Zstandard."""
SAID = 5
"""Failures that are told to the reader; the manifest names more."""


class CorpusStep(Step):
    """Text to train on, and text held out from training."""

    do: Literal["corpus"] = "corpus"
    sources: Annotated[list[AnySource], Field(min_length=1)]
    """Where the text comes from; read in this order."""
    holdout: Holdout = Holdout()
    """Shares of the files (of the documents, when a source has few files) that training does not see."""
    language: str | None = None
    """Language code, for the record."""
    max_errors: float = Field(default=0.05, ge=0, le=1)
    """The step fails when more than this share of the files, or of the records, cannot be read."""

    def outside(self) -> Any:
        """Files with size and time of change, packages with version."""
        return [source.identity() for source in self.sources]


def outline(config: CorpusStep, inputs: Outlines) -> Outline:
    """Sizes guessed from the files; a missing file is refused here, before anything runs."""
    extents = [source.extent() for source in config.sources]
    notes = [
        f"{source.kind}: {extent.files:,} file{'s' * (extent.files != 1)}"
        for source, extent in zip(config.sources, extents, strict=True)
    ]
    known = [extent.characters for extent in extents if extent.characters is not None]
    if len(known) < len(extents):
        return Outline(makes=KIND, notes=tuple(notes))
    training = sum(known) * (1 - config.holdout.dev - config.holdout.test)
    return Outline(
        makes=KIND,
        tokens=training / CHARACTERS_PER_TOKEN,
        disk_bytes=int(sum(known) * BYTES_PER_CHARACTER),
        notes=(*notes, f"about {sum(known) / 1e6:.1f} M characters, guessed from the files' sizes"),
    )


def run(config: CorpusStep, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Reads everything once into scratch, then writes it without what is too near the held-out text."""
    tally = Tally()
    spool = out.scratch / "read"
    shutil.rmtree(spool, ignore_errors=True)
    files = [source.extent().files for source in config.sources]
    with out.progress("reading", sum(files), "files") as bar:
        write(_read(config, files, tally, bar), spool)

    def split(name: Split) -> Iterator[Document]:
        return read(spool, name)

    held_out = Shingles()
    test = held_out.watch(without_leaks(split("test"), Shingles(), tally))
    counts = write(_then(test, split, held_out, tally), out.folder)
    _say_failures(tally, out)
    tally.check(config.max_errors)
    _record(config, tally, counts, out)


def _read(config: CorpusStep, files: list[int], tally: Tally, bar: Progress) -> Iterator[Document]:
    seen: set[bytes] = set()
    for source, number in zip(config.sources, files, strict=True):
        outcomes = _watched(source.read(), bar)
        yield from divide(outcomes, number < FEW_FILES, config.holdout, config.seed or 0, seen, tally)


def _watched(outcomes: Iterator[Outcome], bar: Progress) -> Iterator[Outcome]:
    for outcome in outcomes:
        if isinstance(outcome, Finished) or (isinstance(outcome, Failed) and outcome.what == "file"):
            bar.advance(1)
        yield outcome


def _then(
    test: Iterator[Document], split: Callable[[Split], Iterator[Document]], held_out: Shingles, tally: Tally
) -> Iterator[Document]:
    """Test, then development text not near test, then training text near neither."""
    yield from test
    yield from held_out.watch(without_leaks(split("dev"), held_out, tally))
    yield from without_leaks(split("train"), held_out, tally)


def _say_failures(tally: Tally, out: Workspace) -> None:
    failed = tally.files.errors + tally.documents.errors
    for failure in tally.failures[:SAID]:
        out.say(failure.sentence)
    if failed > SAID:
        out.say(f"and {failed - SAID} more could not be read; the manifest names them")


def _record(config: CorpusStep, tally: Tally, counts: dict[Split, SplitCounts], out: Workspace) -> None:
    shares: dict[Split, float] = {"dev": config.holdout.dev, "test": config.holdout.test}
    for name, share in shares.items():
        if share and not counts[name].documents:
            out.say(f"no document fell to {name}: its share of {share:g} is small for so few sources")
    out.facts["documents"] = sum(count.documents for count in counts.values())
    out.facts["characters"] = sum(count.characters for count in counts.values())
    out.facts["bytes"] = sum(path.stat().st_size for path in out.folder.glob("*/*.parquet"))
    out.facts["language"] = config.language
    out.facts["splits"] = {name: asdict(count) for name, count in counts.items()}
    out.facts["counts"] = tally.facts()
    out.facts["errors"] = [failure.sentence for failure in tally.failures]
    out.say(
        f"{out.facts['documents']:,} documents, {out.facts['characters'] / 1e6:.1f} M characters: "
        + ", ".join(f"{count.documents:,} {name}" for name, count in counts.items())
    )
