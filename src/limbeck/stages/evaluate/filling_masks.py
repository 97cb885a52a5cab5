"""How well models fill masks: loss and accuracy at hidden tokens, and pseudo-perplexity of words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from limbeck.artifacts import Artifact
from limbeck.errors import DataError, ModelError
from limbeck.stages.evaluate.subjects import Found, Loaded, Subject, in_batches, loaded
from limbeck.tasks.raw_data import MaskedText
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from limbeck.evaluation.measures import Measure
    from limbeck.tasks.masked_text.encoding import Cloze, Encoded
    from limbeck.tasks.masked_text.passages import Bools, Passage
    from limbeck.windows.window import Floats, Ints

MOST_LEFT_OUT = 0.5
"""Share of the words that may be unknown to one of the models: beyond it their scores are of a rest of the text."""


def fill_masks(
    spec: MaskedText, subjects: Sequence[Subject], inputs: Mapping[str, Artifact], out: Workspace, seed: int
) -> Found:
    """Hides the same words from every model.

    Raises:
        DataError: there is no held-out text, or too little of it that every model knows.
        ModelError: a model fills no masks.
    """
    from limbeck.corpora.documents import read
    from limbeck.tasks.masked_text.passages import known_to_all, passages_of

    texts = (document.text for document in read(inputs[spec.corpus].folder, spec.split))
    passages = passages_of(texts, longest=spec.context, most=spec.passages, seed=seed)
    encoded = _encoded(subjects, passages)
    known = known_to_all([[None if each is None else each.known for each in by_one] for by_one in encoded])
    _say_what_is_left(passages, known, encoded, subjects, out)
    if {"mlm_loss", "mlm_accuracy"} & set(spec.metrics) and not _cut_alike(encoded):
        out.say("the models cut words into other tokens: compare pseudo_perplexity, not mlm_loss or mlm_accuracy")
    asked = [number for number, words in enumerate(known) if words is not None and words.any()]
    found = [
        _measures(spec, subject, [(passages[n], each[n], known[n]) for n in asked], out, seed)
        for subject, each in zip(subjects, encoded, strict=True)
    ]
    guessing = {"mlm_accuracy": found[0].pop("guessing")} if "mlm_accuracy" in spec.metrics else {}
    return Found({metric: [each[metric] for each in found] for metric in spec.metrics}, guessing)


def _encoded(subjects: Sequence[Subject], passages: Sequence["Passage"]) -> list[list["Encoded | None"]]:
    from limbeck.models.counting import shape_of
    from limbeck.models.heads import fills_masks
    from limbeck.models.loading import load_config, load_tokenizer
    from limbeck.tasks.masked_text.encoding import encode_passages

    found = []
    for subject in subjects:
        config = load_config(subject.source)
        if not fills_masks(config):
            raise ModelError(
                f"{subject.name} has no masked-LM head, so it fills no masks; a `pretrain` step with freeze_encoder:"
                " true gives it one, or leave it out of this step"
            )
        found.append(encode_passages(passages, load_tokenizer(subject.source), shape_of(config).positions))
    return found


def _cut_alike(encoded: Sequence[Sequence["Encoded | None"]]) -> bool:
    """Whether every passage is the same tokens to every model that can read it."""
    return all(
        len({each.input_ids.tobytes() for each in by_one if each is not None}) < 2
        for by_one in zip(*encoded, strict=True)
    )


def _say_what_is_left(
    passages: Sequence["Passage"],
    known: Sequence["Bools | None"],
    encoded: Sequence[Sequence["Encoded | None"]],
    subjects: Sequence[Subject],
    out: Workspace,
) -> None:
    """How much of the text every model knows; which of them lack how much of it is kept as a fact."""
    words = sum(len(passage.words) for passage in passages)
    left = sum(int(each.sum()) for each in known if each is not None)
    lacking = {
        subject.name: words - sum(int(each.known.sum()) for each in by_one if each is not None)
        for subject, by_one in zip(subjects, encoded, strict=True)
    }
    out.facts.update(words=words, words_left_out=words - left, words_unknown=lacking)
    if not words:
        raise DataError(
            "the corpus has no passage of 8 words in this part; hold out more of it, or name another part under"
            " data.split"
        )
    if words - left > MOST_LEFT_OUT * words:
        lacks = ", ".join(f"{name} {count:,}" for name, count in lacking.items())
        raise DataError(
            f"of {words:,} words of held-out text only {left:,} are known to every model ({lacks} unknown, or in"
            " passages too long), and a score of so few says little of the text; leave out the model that does not"
            " know the text's language"
        )
    out.say(f"{len(passages):,} passages of {words:,} words; {words - left:,} that not every model knows are left out")


def _measures(
    spec: MaskedText, subject: Subject, asked: Sequence[tuple["Passage", Any, Any]], out: Workspace, seed: int
) -> dict[str, "Measure"]:
    """What one model scores, and what saying the most frequent token would."""
    import numpy as np

    from limbeck.evaluation.raw_scores import (
        accuracy_measure,
        commonest_measure,
        loss_measure,
        pseudo_perplexity_measure,
    )

    one, together, in_turn, words = loaded(subject), [], [], []
    for number, (passage, encoded, known_W) in enumerate(asked):
        together.append(_together(spec, number, passage, encoded, known_W, one, seed))
        clozes = list(_in_turn(spec, number, passage, encoded, known_W, one, seed))
        in_turn += clozes
        words.append(len({int(encoded.words[cloze.labels >= 0][0]) for cloze in clozes}))
    found: dict[str, Measure] = {}
    if {"mlm_loss", "mlm_accuracy"} & set(spec.metrics):
        losses_N, right_N, labels_N, passages_N = _asked(one, together, subject, "passages", out)
        found["mlm_loss"] = loss_measure(losses_N, passages_N, len(asked))
        found["mlm_accuracy"] = accuracy_measure(right_N, passages_N, len(asked))
        found["guessing"] = commonest_measure(labels_N, passages_N, len(asked))
    if "pseudo_perplexity" in spec.metrics:
        losses_N, _, _, passages_N = _asked(one, in_turn, subject, "clozes", out)
        found["pseudo_perplexity"] = pseudo_perplexity_measure(losses_N, passages_N, np.array(words))
    return found


def _together(
    spec: MaskedText, number: int, passage: "Passage", encoded: "Encoded", known_W: "Bools", one: Loaded, seed: int
) -> "Cloze":
    from limbeck.tasks.masked_text.encoding import hide_together
    from limbeck.tasks.masked_text.passages import hidden_together

    words = hidden_together(passage, known_W, spec.share, seed)
    return hide_together(number, encoded, words, int(one.tokenizer.mask_token_id))


def _in_turn(
    spec: MaskedText, number: int, passage: "Passage", encoded: "Encoded", known_W: "Bools", one: Loaded, seed: int
) -> Iterator["Cloze"]:
    from limbeck.tasks.masked_text.encoding import hide_in_turn
    from limbeck.tasks.masked_text.passages import hidden_in_turn

    words = hidden_in_turn(passage, known_W, spec.turns, seed)
    return hide_in_turn(number, encoded, words, int(one.tokenizer.mask_token_id))


def _asked(
    one: Loaded, clozes: Sequence["Cloze"], subject: Subject, unit: str, out: Workspace
) -> tuple["Floats", Any, "Ints", "Ints"]:
    """Of every token asked for its loss in nats, whether it was said, the token, and its passage."""
    import numpy as np

    from limbeck.models.reading import losses_at_masks
    from limbeck.tasks.masked_text.encoding import cloze_batch

    parts = []
    lengths = [len(cloze.inputs) for cloze in clozes]
    for _, chosen in in_batches(clozes, lengths, subject, unit, out):
        batch = cloze_batch(chosen, one.pad).to(one.model.device)
        found = losses_at_masks(one.model, [batch], int(one.tokenizer.mask_token_id))
        numbers = np.array([cloze.passage for cloze in chosen])
        parts.append((found.losses, found.right, found.labels, numbers[found.sequences]))
    losses_N, right_N, labels_N, passages_N = (np.concatenate(column) for column in zip(*parts, strict=True))
    return losses_N, right_N, labels_N, passages_N
