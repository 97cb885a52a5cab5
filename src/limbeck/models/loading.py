"""Models and tokenizers into memory and back to disk: float32, safetensors only, never anyone's code."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from limbeck.artifacts import Artifact
from limbeck.errors import ModelError
from limbeck.models.carried import with_carried_heads
from limbeck.models.families import drop_pooler, encoder_of, family_named, family_of
from limbeck.models.sources import (
    WEIGHTS,
    identity,
    locate,
    locate_tokenizer,
    model_source,
    read_json,
    require_weights,
)
from limbeck.models.task_heads import describe, ending_of, head_of, labels_of
from limbeck.outlines import Outlines
from limbeck.signals import Head

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

__all__ = [
    "auto_class",
    "identity",
    "known_tokenizer",
    "load_config",
    "load_model",
    "load_tokenizer",
    "locate",
    "model_config",
    "model_source",
    "require_one",
    "save_model",
]

_HEADS = {
    "ForMaskedLM": "AutoModelForMaskedLM",
    "ForPreTraining": "AutoModelForPreTraining",
    "ForNextSentencePrediction": "AutoModelForNextSentencePrediction",
    "ForTokenClassification": "AutoModelForTokenClassification",
    "ForSequenceClassification": "AutoModelForSequenceClassification",
    "ForQuestionAnswering": "AutoModelForQuestionAnswering",
}
"""Ending of a class name to the class that loads it; anything else is loaded as a bare encoder."""


def load_config(source: str) -> PreTrainedConfig:
    """The configuration of a model, which names the heads that its weights carry, as far as they are on this machine.

    The weights are neither fetched nor read.
    """
    from transformers import AutoConfig

    folder = locate(source, weights=False)
    family_named(str(read_json(folder / "config.json").get("model_type")))
    try:
        with quiet():
            config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # each family's configuration checks its values with errors of its own
        raise ModelError(f"{folder / 'config.json'} has values that cannot be ({_first_line(error)})") from None
    return with_carried_heads(cast("PreTrainedConfig", config), folder / WEIGHTS)


def require_one(ref: str, outlines: Outlines) -> None:
    """Refuses a step whose models learn several data sets, where one model is wanted.

    Raises:
        ModelError: names the data sets.
    """
    several = outlines[ref].datasets if ref.startswith("@") else ()
    if several:
        raise ModelError(
            f"{ref} makes models of several data sets ({', '.join(several)}), and one model is wanted here; fine-tune"
            " on one of them in a step of its own"
        )


def model_config(ref: str, outlines: Outlines, *, of_each: bool = False) -> PreTrainedConfig:
    """The configuration of a step's field: that of the model an `@step` will make, or of the source itself.

    With `of_each`, a step may make models of several data sets, whose encoders have one shape.

    Raises:
        ModelError: the source is no model, or lacks its weights, or is one of several.
    """
    if not of_each:
        require_one(ref, outlines)
    if not ref.startswith("@"):
        config = load_config(ref)
        require_weights(ref)
        return config
    from transformers import AutoConfig

    forecast = outlines[ref].model
    if forecast is None:
        raise ModelError(f"the shape of {ref} is not known before it is made")
    return AutoConfig.for_model(**forecast)


def load_model(
    source: str, *, mlm: bool = False, head: Head | None = None, labels: Sequence[str] = (), random: bool = False
) -> PreTrainedModel:
    """Loads a model in float32, in evaluation mode, with fused attention.

    Without `mlm` and `head` it comes as its configuration names it, a BERT with both heads of its pretraining if
    the weights carry both. `mlm` requires the masked-LM head; `head` asks for that of a task, with classes of these
    `labels`: a new one unless the weights' own is of the same kind and has exactly these. `random` gives the same
    architecture fresh weights, from torch's generator.

    Raises:
        ModelError: the source cannot be used, or its weights are not what its configuration says.
    """
    config = load_config(source)
    known = head_of(config), labels_of(config)
    if head is not None:
        describe(config, head, labels)
    named = ending_of(head) if head else _head_of(config, mlm)
    if random:
        return _fresh(config, named)
    folder = locate(source)
    model, missing = _read(folder, config, named, forgiving=head is not None)
    if head is not None and not _same_head(config, head, *known):
        _renew_head(model)
    _refuse_missing(folder, model, missing, named, new_head=head is not None)
    model.train(False)
    return model


def load_tokenizer(source: str) -> PreTrainedTokenizerBase:
    """The fast tokenizer of a model or of a folder of its own; truncation and padding stored there are switched off.

    Raises:
        ModelError: it has none that runs without Python code of its own.
    """
    from transformers import AutoTokenizer

    folder = locate_tokenizer(source)
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # tokenizers raises bare Exception for a damaged file
        raise _no_tokenizer(folder, _unread_pieces(folder) or _first_line(error)) from None
    if not tokenizer.is_fast or len(tokenizer) <= len(tokenizer.all_special_ids):
        raise _no_tokenizer(folder, "no vocabulary found")
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    return cast("PreTrainedTokenizerBase", tokenizer)


def known_tokenizer(ref: str, made: Mapping[str, Artifact]) -> PreTrainedTokenizerBase | None:
    """The tokenizer of a step's field; None while the step that makes it is not done, or its files are not here yet."""
    if ref.startswith("@"):
        return load_tokenizer(model_source(ref, made)) if ref in made else None
    known = (locate_tokenizer(ref) / "tokenizer_config.json").is_file()
    return load_tokenizer(ref) if known else None


def tokens_of(ref: str, outlines: Outlines) -> int:
    """How many tokens a field's tokenizer has, or at most will have; of one not here yet, as many as its model has."""
    if ref.startswith("@"):
        model, made = outlines[ref].model, outlines[ref].vocabulary
        assert model is not None or made is not None, "a step that makes a model or a tokenizer says how many tokens"
        return int(made or (model or {})["vocab_size"])
    tokenizer = known_tokenizer(ref, {})
    return int(load_config(ref).vocab_size) if tokenizer is None else numbers_of(tokenizer)


def numbers_of(tokenizer: PreTrainedTokenizerBase) -> int:
    """How many word embeddings a tokenizer needs; one whose numbers have gaps needs more than it has tokens."""
    return max(tokenizer.get_vocab().values()) + 1


def save_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Writes config.json, model.safetensors and tokenizer.json; the same weights give the same bytes."""
    with quiet():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def save_shape(config: PreTrainedConfig, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Writes config.json and tokenizer.json: a model folder without weights."""
    with quiet():
        config.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps transformers' progress bars, load reports and warnings off the terminal: we check what they say."""
    import transformers.utils.logging

    logging: Any = transformers.utils.logging  # partly untyped
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _head_of(config: PreTrainedConfig, mlm: bool = False) -> str | None:
    """What the configuration names; with `mlm`, a class that fills masks in any case.

    An ELECTRA that was trained to tell replaced tokens from real ones is a bare encoder here: nothing reads its head.
    """
    name = (config.architectures or [""])[0]
    if name.endswith("ForPreTraining") and family_of(config).pair_head is None:
        name = ""
    named = next((head for head in _HEADS if name.endswith(head)), None)
    return "ForMaskedLM" if mlm and named != "ForPreTraining" else named


def random_model(config: PreTrainedConfig, *, mlm: bool = False, seed: int | None = None) -> PreTrainedModel:
    """The architecture that a configuration names, or its masked-LM model, with fresh weights: `seed` makes them.

    torch's generator is left as it was; without a seed it makes the weights.
    """
    import torch

    with torch.random.fork_rng():
        if seed is not None:
            torch.manual_seed(seed)
        return _fresh(config, _head_of(config, mlm))


def auto_class(config: PreTrainedConfig, *, mlm: bool = False) -> Any:
    """The `AutoModel...` class for the architecture that a configuration names, or for its masked-LM model."""
    return _auto(_head_of(config, mlm))


def _auto(head: str | None) -> Any:
    import transformers

    return getattr(transformers, _HEADS[head] if head else "AutoModel")


def _attention(config: PreTrainedConfig) -> str:
    """Fused attention, where the family lets transformers choose."""
    return "eager" if family_of(config).own_attention else "sdpa"


def _fresh(config: PreTrainedConfig, head: str | None) -> PreTrainedModel:
    import torch

    with quiet():
        model = _auto(head).from_config(config, attn_implementation=_attention(config), dtype=torch.float32)
    model.train(False)
    return cast("PreTrainedModel", model)


def _read(
    folder: Path, config: PreTrainedConfig, head: str | None, forgiving: bool = False
) -> tuple[PreTrainedModel, set[str]]:
    """The model and the names of its parameters that the file lacks."""
    import torch
    from safetensors import SafetensorError

    try:
        with quiet():
            model, found = _auto(head).from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                attn_implementation=_attention(config),
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                ignore_mismatched_sizes=True,  # refused below, by name
                output_loading_info=True,
            )
    except (SafetensorError, OSError, RuntimeError) as error:
        raise ModelError(f"{folder / WEIGHTS} cannot be read ({_first_line(error)}); fetch the file again") from None
    misfits = [str(name) for name, *_ in found["mismatched_keys"]]
    if forgiving:
        misfits = [name for name in misfits if name.startswith(f"{model.base_model_prefix}.")]
    layers = f"{family_of(config).layers}."
    misfits += [name for name in found["unexpected_keys"] if layers in name]
    if misfits:
        raise ModelError(
            f"{folder}: weights and config.json do not belong together: {_some(misfits)} differ in shape or have no"
            " place in the model; take both files from the same model"
        )
    return model, set(found["missing_keys"])


def _refuse_missing(
    folder: Path, model: PreTrainedModel, missing: set[str], head: str | None, new_head: bool = False
) -> None:
    """A weight made up at random would pass for a trained one, so nothing but a new head may be missing."""
    if head == "ForMaskedLM" and f"{family_of(model).mlm_dense}.weight" in missing:
        raise ModelError(
            f"{folder}: the weights have no masked-LM head; a `pretrain` step adds one, or with_mlm_head in Python"
        )
    encoder = encoder_of(model)
    inside = "" if encoder is model else f"{model.base_model_prefix}."
    pooler = {name for name in missing if name.startswith(f"{inside}pooler.")}
    if pooler and head is None:
        drop_pooler(model)  # left out by those who trained it
        missing = missing - pooler
    if new_head:
        missing = {name for name in missing - pooler if name.startswith(inside)}
    if missing:
        raise ModelError(
            f"{folder / WEIGHTS} lacks {_some(missing)}, which {type(model).__name__} needs;"
            " take the complete weights, or a config.json that names the architecture they are of"
        )


def _same_head(config: PreTrainedConfig, head: Head, before: Head | None, labels: Sequence[str]) -> bool:
    """Whether the weights had this head already; places and numbers have no classes that could differ."""
    return before == head and (head in ("span", "value") or list(labels) == labels_of(config))


def _renew_head(model: PreTrainedModel) -> None:
    """Old weights under new label names would be wrong classes that look trained."""
    import torch

    from limbeck.models.heads import head_parameters

    spread = getattr(model.config, "initializer_range", 0.02)
    with torch.no_grad():
        for name in head_parameters(model).get("classifier", []):
            parameter = model.get_parameter(name)
            if parameter.dim() > 1:
                parameter.normal_(0.0, spread)
            elif name.endswith("bias"):
                parameter.zero_()


def _some(names: Collection[str]) -> str:
    first = sorted(names)[:3]
    rest = len(names) - len(first)
    return ", ".join(first) + (f" and {rest} more" if rest else "")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _unread_pieces(folder: Path) -> str | None:
    """Why there is no tokenizer, where transformers would complain of a missing tiktoken."""
    pieces = sorted(path.name for path in folder.glob("*.model"))
    if not pieces or (folder / "tokenizer.json").is_file() or find_spec("sentencepiece"):
        return None
    return f"to read {pieces[0]}, the Python package sentencepiece has to be installed"


def _no_tokenizer(folder: Path, reason: str) -> ModelError:
    return ModelError(
        f"{folder} has no fast tokenizer ({reason}); it needs a tokenizer.json, which AutoTokenizer of transformers"
        " writes with save_pretrained"
    )
