"""Surgery without training: fewer layers, narrower ones, fewer tokens or others, or a BERT made a DistilBERT."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator

from limbeck.artifacts import Artifact
from limbeck.config import ModelSource, Step, TokenizerSource
from limbeck.corpora.documents import Split, counts, read
from limbeck.errors import DataError, ModelError, RecipeError
from limbeck.models.reduction import Reduction
from limbeck.models.slimming import Slimming
from limbeck.models.sources import identity, model_source
from limbeck.outlines import Outline, Outlines
from limbeck.tokenizers.trimming import Trimming
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

REVISION = 2
KIND = "model"


class ShrinkStep(Step, Reduction, Slimming):
    """A smaller model out of a trained one."""

    do: Literal["shrink"] = "shrink"
    model: ModelSource
    vocabulary: Trimming | None = None
    """Which tokens are kept, for example `{corpus: "@text", keep_coverage: 0.9999}`; all of them if absent."""
    tokenizer: TokenizerSource | None = None
    """Another tokenizer. Each of its tokens starts as the mean of those that the model's own makes of its text."""

    @model_validator(mode="after")
    def _has_work(self) -> "ShrinkStep":
        other_tokens = self.vocabulary is not None or self.tokenizer is not None
        if self.layers is None and self.as_ is None and not other_tokens and not self.narrows:
            raise ValueError(
                'there is nothing to shrink; give "layers", for example {keep: half}, "width", "feed_forward",'
                ' "vocabulary", "tokenizer", or "as: distilbert"'
            )
        if self.vocabulary is not None and self.tokenizer is not None:
            raise ValueError("vocabulary drops tokens of a tokenizer that tokenizer takes away; leave one of them out")
        return self

    def outside(self) -> Any:
        """Identity of what no earlier step made."""
        if self.tokenizer is None:
            return None if self.model.startswith("@") else identity(self.model)
        return {ref: identity(ref) for ref in (self.model, self.tokenizer) if not ref.startswith("@")}


def outline(config: ShrinkStep, inputs: Outlines) -> Outline:
    """Shape and size of the smaller model, or with a vocabulary to trim the most it can be; no weights are read."""
    from limbeck.models.counting import count
    from limbeck.models.families import depth_of
    from limbeck.models.loading import model_config, tokens_of
    from limbeck.models.reducing import left_out, reduce_config
    from limbeck.models.retokenising import retokenised_config
    from limbeck.models.vocabulary import bounded_config

    before = model_config(config.model, inputs)
    narrow, slimmed, working_bytes = _outlined_slimming(config, before)
    after, notes = (
        reduce_config(narrow, config),
        [config.sentence(depth_of(before)), *left_out(before, config), *slimmed],
    )
    if config.vocabulary is not None:
        most = _most_tokens(config.vocabulary, after)
        after = bounded_config(after, most)
        notes.append(f"{config.vocabulary.sentence()}, at most {most:,}: how many is known once it is made")
    if config.tokenizer is not None:
        after = retokenised_config(after, tokens_of(config.tokenizer, inputs), {})
        notes.append(f"reads the tokens of {config.tokenizer}, each made of the model's own")
    parameters = count(after)
    return Outline(
        makes=KIND,
        model=after.to_dict(),
        at_most=config.vocabulary is not None,
        parameters=parameters.total,
        parameters_without_embeddings=parameters.without_embeddings,
        disk_bytes=parameters.bytes,
        memory_bytes=count(before).bytes + parameters.bytes + working_bytes,
        notes=tuple(notes),
    )


def run(config: ShrinkStep, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Loads, cuts, saves; the tokenizer is copied along, or trimmed with the model."""
    from limbeck.models.counting import count
    from limbeck.models.families import depth_of
    from limbeck.models.heads import described
    from limbeck.models.loading import load_model, load_tokenizer, save_model
    from limbeck.models.reducing import left_out, reduce_model

    source = model_source(config.model, inputs)
    model, tokenizer = load_model(source), load_tokenizer(source)
    depth, before = depth_of(model.config), count(model)
    for sentence in (config.sentence(depth), *left_out(described(model), config)):
        out.say(sentence)
    if config.narrows:
        model = _slimmed(config, model, tokenizer, inputs, out)
    model = reduce_model(model, config)
    if config.tokenizer is not None:
        model, tokenizer = _retokenised(config.tokenizer, model, tokenizer, inputs, out)
    if config.vocabulary is None:
        save_model(model, tokenizer, out.folder / "model")
    else:
        folders = {ref: inputs[ref].folder for ref in config.vocabulary.corpora}
        model, out.facts["vocabulary"] = trim(model, tokenizer, config.vocabulary, folders, out)
    after = count(model)
    out.facts |= {
        "model_folder": "model",
        "layers": config.kept(depth),
        "parameters": after.total,
        "parameters_without_embeddings": after.without_embeddings,
        "parameters_before": before.total,
        "parameters_without_embeddings_before": before.without_embeddings,
    }
    out.say(f"{before.total:,} parameters became {after.total:,}")


def _outlined_slimming(
    config: ShrinkStep, before: "PreTrainedConfig"
) -> tuple["PreTrainedConfig", tuple[str, ...], int]:
    """The configuration of the narrower model, sentences about it, and the bytes that measuring takes."""
    from limbeck.models.families import depth_of
    from limbeck.models.heads import fills_masks
    from limbeck.models.narrowing import narrow_config, working_bytes
    from limbeck.models.widths import widths_of

    if config.importance is None:
        return before, (), 0
    by = config.importance.measured_by(fills_masks(before))
    after = narrow_config(before, config)
    sentence = config.widths_sentence(widths_of(before), before.model_type)
    note = f"{sentence}, by importance ({by}) on {config.importance.sequences:,} sequences"
    return after, (note,), working_bytes(widths_of(before), widths_of(after), depth_of(before))


def _slimmed(
    config: ShrinkStep,
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    inputs: Mapping[str, Artifact],
    out: Workspace,
) -> "PreTrainedModel":
    """The narrower model, all layers still there; importance is measured on text of the corpus."""
    from limbeck.corpora.sampling import sample_batches
    from limbeck.models.counting import longest_sequence, shape_of
    from limbeck.models.families import depth_of
    from limbeck.models.narrowing import slim
    from limbeck.models.widths import widths_of

    assert config.importance is not None
    out.say(config.widths_sentence(widths_of(model.config), model.config.model_type))
    batches = sample_batches(
        inputs[config.importance.corpus].folder,
        tokenizer,
        shape_of(model.config).vocabulary,
        sequences=config.importance.sequences,
        length=longest_sequence(config.importance.length, model.config),
        seed=config.seed or 0,
    )
    return slim(model, config, batches, config.kept(depth_of(model.config)), out)


def _retokenised(
    ref: str,
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    inputs: Mapping[str, Artifact],
    out: Workspace,
) -> tuple["PreTrainedModel", "PreTrainedTokenizerBase"]:
    """The model under another tokenizer, and that tokenizer."""
    from limbeck.models.loading import load_tokenizer
    from limbeck.models.retokenising import retokenised
    from limbeck.tokenizers.translating import ROLES, translated

    other = load_tokenizer(model_source(ref, inputs))
    pieces = translated(other, tokenizer)
    whole, unknown = (sum(len(each) == count for each in pieces) for count in (1, 0))
    out.say(
        f"{len(pieces):,} tokens of {ref} in place of {model.config.vocab_size:,}: {whole:,} are one of the model's,"
        f" {len(pieces) - whole - unknown:,} start as the mean of several, {unknown:,} as the mean of all"
    )
    out.facts["tokenizer"] = {"tokens": len(pieces), "same": whole, "unknown": unknown}
    return retokenised(model, pieces, {role: getattr(other, role) for role in ROLES}), other


def trim(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    trimming: Trimming,
    corpora: Mapping[str, Path],
    out: Workspace,
) -> tuple["PreTrainedModel", dict[str, Any]]:
    """Drops tokens from a model and its tokenizer, saves both, and proves on what was saved that nothing else changed.

    Args:
        model: stays as it is.
        tokenizer: stays as it is.
        trimming: how many tokens stay.
        corpora: the folders of its corpora; their training text is counted, their development text is the proof's.
        out: the folder `model` in it is written.

    Returns:
        The smaller model as it is loaded again, and what was found out.

    Raises:
        DataError: a corpus has no text to count or none to check on; or so few tokens may stay that special tokens,
            or characters of the text, would be lost.
        RecipeError: no token would be dropped.
        ModelError: the proof failed, or the tokenizer is none that can be trimmed.
    """
    from limbeck.models.loading import load_model, load_tokenizer, save_model
    from limbeck.models.sameness import output_differences
    from limbeck.models.vocabulary import keep_tokens
    from limbeck.tokenizers.comparing import compare
    from limbeck.tokenizers.rewriting import trimmed

    kept, facts = _chosen(model, tokenizer, trimming, corpora, out)
    folder = out.folder / "model"
    save_model(keep_tokens(model, kept), tokenizer, folder)
    backend = tokenizer.backend_tokenizer
    (folder / "tokenizer.json").write_text(trimmed(backend.to_str(), kept), "utf-8")
    smaller, reader = load_model(str(folder)), load_tokenizer(str(folder)).backend_tokenizer
    paragraphs = (
        line for path in corpora.values() for text in _texts(path, "dev") for line in text.split("\n") if line
    )
    with out.progress("checking the tokenizer", None, "paragraphs") as bar:
        read_alike = compare(paragraphs, backend, reader, kept, unknown=tokenizer.unk_token_id, progress=bar)
    with out.progress("checking the model", len(read_alike.samples), "paragraphs") as bar:
        differences = output_differences(model, smaller, read_alike.samples, kept, bar)
    out.say(read_alike.sentence())
    largest = max(differences.values())
    out.say(f"all other words are read as before, and the model's outputs on them differ by {largest:.1g} at most")
    return smaller, {**facts, "held_out": read_alike.facts(), "largest_differences": differences}


def _chosen(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    trimming: Trimming,
    corpora: Mapping[str, Path],
    out: Workspace,
) -> tuple["np.ndarray", dict[str, Any]]:
    """The tokens that stay, ascending, and what was counted."""
    from limbeck.models.vocabulary import named_tokens
    from limbeck.tokenizers.choosing import choose
    from limbeck.tokenizers.counting import count_tokens

    for ref, folder in corpora.items():
        if not counts(folder)["dev"].documents:
            raise DataError(
                f"{ref} holds no text out, so there is none on which a trimmed vocabulary could be checked; give the"
                " corpus a holdout, for example {dev: 0.01}"
            )
    backend, before, most = tokenizer.backend_tokenizer, model.config.vocab_size, _most_tokens(trimming, model.config)
    if (last := max(tokenizer.get_vocab().values())) >= before:
        raise ModelError(
            f"the tokenizer has tokens 0 to {last} and the model only 0 to {before - 1}, so its tokens are not the"
            " model's; use the tokenizer that the model was made with"
        )
    counted = []
    for ref, folder in corpora.items():
        with out.progress(f"counting tokens of {ref}", counts(folder)["train"].documents, "documents") as bar:
            counted.append(count_tokens(_texts(folder, "train"), backend, before, bar))
    share = trimming.keep_coverage or 1.0
    chosen = choose(backend.to_str(), counted, named_tokens(model.config), coverage=share, most=most)
    covered = {ref: float(each[chosen.kept].sum() / each.sum()) for ref, each in zip(corpora, counted, strict=True)}
    out.say(
        f"keeps {len(chosen.kept):,} of {before:,} tokens, {chosen.characters:,} of them to spell other words with;"
        f" they make up {', '.join(f'{100 * value:.6g} % of {ref}' for ref, value in covered.items())}"
    )
    return chosen.kept, {"tokens_before": before, "tokens": len(chosen.kept), "covered": covered}


def _most_tokens(trimming: Trimming, config: "PreTrainedConfig") -> int:
    from limbeck.models.vocabulary import tokens_within

    known = int(config.vocab_size)
    if trimming.keep_coverage is not None:
        return known
    most = trimming.keep or tokens_within(config, 1e6 * (trimming.megabytes or 0))
    if most >= known:
        raise RecipeError(
            f"vocabulary: the model has {known:,} tokens and there is room for {most:,}, so none would be dropped;"
            " keep fewer, or leave vocabulary out"
        )
    return most


def _texts(folder: Path, split: Split) -> Iterator[str]:
    return (document.text for document in read(folder, split))
