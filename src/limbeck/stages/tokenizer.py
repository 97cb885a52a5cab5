"""The step `tokenizer`: tokens learnt from a corpus, and how they cut text that was held out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from limbeck.artifacts import Artifact
from limbeck.config import CorpusRef, Step, TokenizerSource
from limbeck.corpora.documents import Split, counts, read
from limbeck.errors import DataError, ModelError
from limbeck.models.sources import identity, model_source
from limbeck.outlines import Outline, Outlines
from limbeck.tokenizers.families import SEEN, AnyFamily
from limbeck.workspace import Progress, Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

REVISION = 1
KIND = "tokenizer"

HELD_OUT_CHARACTERS = 10_000_000
"""Of the development text, from its beginning: enough for the third digit of every share."""
CHECKED = 256
"""Paragraphs on which the tokenizer, loaded again, has to agree with what was trained."""


class TokenizerStep(Step):
    """Trains a tokenizer on a corpus: one of a family, or a model's own anew."""

    do: Literal["tokenizer"] = "tokenizer"
    corpus: CorpusRef
    """Its training text is read; its development text shows how words are cut."""
    family: AnyFamily | None = None
    """`wordpiece`, `byte_bpe`, `character_bpe` or `unigram`, each short for `{kind: ...}` with its defaults."""
    like: TokenizerSource | None = None
    """In place of `family`: a model whose tokenizer is trained anew, of the same family, with its special tokens."""
    vocabulary: int | None = Field(default=None, ge=1)
    """Most tokens, special tokens included; left out, as many as the model in `like` has, or the one that the family
    is known from."""
    characters: int = Field(default=1000, ge=1)
    """Most different characters that get a token, the most frequent; byte-level BPE has all that there are. More are
    needed where words are written in Chinese characters."""
    compare: tuple[TokenizerSource, ...] = ()
    """Other tokenizers that cut the same held-out text, for the report."""

    @model_validator(mode="after")
    def _one_template(self) -> "TokenizerStep":
        if (self.family is None) == (self.like is None):
            found = "neither" if self.family is None else "both"
            raise ValueError(f"give either `family`, for example wordpiece, or `like`, a model; found {found}")
        return self

    def outside(self) -> Any:
        """Identities of the models that no step of the recipe makes."""
        sources = [source for source in (self.like, *self.compare) if source and not source.startswith("@")]
        return [identity(source) for source in sources] or None


def outline(config: TokenizerStep, inputs: Outlines) -> Outline:
    """How many tokens at most, and what is done; no text is read."""
    from limbeck.models.loading import tokens_of

    others = {ref: tokens_of(ref, inputs) for ref in (config.like, *config.compare) if ref}
    size = config.vocabulary or (config.family.size if config.family else others[str(config.like)])
    notes = [
        f"{_title(config)}, at most {size:,} tokens, trained on the text of {config.corpus}",
        *([f"compared with {', '.join(config.compare)} on held-out text"] if config.compare else []),
    ]
    return Outline(makes=KIND, vocabulary=size, at_most=True, notes=tuple(notes))


def run(config: TokenizerStep, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Trains, saves, loads again, and measures on held-out text."""
    from limbeck.models.loading import load_tokenizer
    from limbeck.tokenizers.learning import learn

    corpus = inputs[config.corpus]
    held_out = counts(corpus.folder)["dev"].documents
    if config.compare and not held_out:
        raise DataError(
            f"{config.corpus} holds no text out, so there is none on which tokenizers could be compared; give the"
            " corpus a holdout, for example {dev: 0.01}, or leave compare out"
        )
    blank = _blank(config, inputs)
    size, folder = config.vocabulary or (config.family.size if config.family else len(blank)), out.folder / "tokenizer"
    with out.progress("reading", 2 * counts(corpus.folder)["train"].documents, "documents") as bar:
        learnt = learn(
            blank.backend_tokenizer.to_str(),
            lambda: _paragraphs(corpus, "train", bar),
            size,
            characters=config.characters,
            min_frequency=SEEN if config.family is None else config.family.min_seen,
        )
    blank.save_pretrained(folder)
    (folder / "tokenizer.json").write_text(learnt, "utf-8")
    tokenizer = load_tokenizer(str(folder))
    _check(tokenizer, learnt, corpus)
    found = len(tokenizer)
    out.say(f"{_title(config)}: {found:,} tokens" + (f"; the text gave no more of {size:,}" if found < size else ""))
    out.facts |= {"model_folder": "tokenizer", "vocabulary": found, "class": type(tokenizer).__name__}
    if not held_out:
        out.say("the corpus holds no text out, so it is not known how the tokenizer cuts text that it has not seen")
        return
    others = {ref: load_tokenizer(model_source(ref, inputs)) for ref in config.compare}
    out.facts["fertility"] = _compared({out.step: tokenizer, **others}, corpus, out)


def _title(config: TokenizerStep) -> str:
    return f"a tokenizer like that of {config.like}" if config.family is None else config.family.sentence()


def _blank(config: TokenizerStep, inputs: Mapping[str, Artifact]) -> "PreTrainedTokenizerBase":
    from limbeck.models.loading import load_tokenizer

    if config.family is not None:
        return config.family.blank()
    assert config.like is not None
    return load_tokenizer(model_source(config.like, inputs))


def _paragraphs(corpus: Artifact, split: Split, bar: Progress | None = None) -> Iterator[str]:
    for document in read(corpus.folder, split):
        yield from document.text.split("\n")
        if bar is not None:
            bar.advance(1)


def _first(texts: Iterator[str], characters: int) -> Iterator[str]:
    for text in texts:
        if characters <= 0:
            return
        characters -= len(text)
        yield text


def _check(tokenizer: "PreTrainedTokenizerBase", learnt: str, corpus: Artifact) -> None:
    """What transformers makes of the folder has to be what was trained: some classes build parts themselves."""
    from itertools import islice

    from tokenizers import Tokenizer

    texts = list(islice(_paragraphs(corpus, "train"), CHECKED))
    trained, loaded = Tokenizer.from_str(learnt), tokenizer.backend_tokenizer
    for text, *pair in zip(texts, trained.encode_batch(texts), loaded.encode_batch(texts), strict=True):
        if pair[0].ids != pair[1].ids:
            raise ModelError(
                f'transformers loads the trained tokenizer as {type(tokenizer).__name__}, which reads "{text[:60]}"'
                " otherwise than it was trained to; a tokenizer like this cannot be trained anew, so choose a `family`"
            )


def _compared(
    tokenizers: Mapping[str, "PreTrainedTokenizerBase"], corpus: Artifact, out: Workspace
) -> Sequence[Mapping[str, Any]]:
    """One row for each tokenizer, on the same text."""
    from limbeck.tokenizers.fertility import measure

    rows = []
    for name, tokenizer in tokenizers.items():
        texts = _first(_paragraphs(corpus, "dev"), HELD_OUT_CHARACTERS)
        with out.progress(f"cutting held-out text with {name}", None, "paragraphs") as bar:
            found = measure(texts, tokenizer.backend_tokenizer, unknown=tokenizer.unk_token_id, progress=bar)
        rows.append({"tokenizer": name, "vocabulary": len(tokenizer), **found.facts()})
        out.say(
            f"{name}: {rows[-1]['tokens_per_word']:.3f} tokens a word, {rows[-1]['words_split']:.1%} of the words"
            f" split, {1 - rows[-1]['words_known']:.2g} of them unknown"
        )
    return rows
