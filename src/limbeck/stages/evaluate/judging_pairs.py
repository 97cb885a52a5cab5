"""Whether models that judge pairs of texts tell what follows from what does not."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from limbeck.artifacts import Artifact
from limbeck.errors import ModelError
from limbeck.stages.evaluate.subjects import Found, Subject, in_batches, loaded
from limbeck.tasks.raw_data import SentencePairs
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from limbeck.evaluation.measures import Measure
    from limbeck.tasks.sentence_pairs import TextPair


def judge_pairs(
    spec: SentencePairs, subjects: Sequence[Subject], inputs: Mapping[str, Artifact], out: Workspace, seed: int
) -> Found:
    """Shows every model the same pairs.

    Raises:
        DataError: no pairs can be made of the held-out text.
        ModelError: a model judges no pairs.
    """
    from limbeck.corpora.documents import read
    from limbeck.evaluation.raw_scores import chance
    from limbeck.models.heads import judges_pairs
    from limbeck.models.loading import load_config
    from limbeck.tasks.sentence_pairs import text_pairs

    for subject in subjects:
        if not judges_pairs(load_config(subject.source)):
            raise ModelError(
                f"{subject.name} has no next-sentence head, so it judges no pairs; a `pretrain` step with"
                " next_sentence: true gives a BERT one, or leave it out of this step"
            )
    texts = (document.text for document in read(inputs[spec.corpus].folder, spec.split))
    pairs = text_pairs(texts, most=spec.pairs, seed=seed)
    out.say(f"{len(pairs):,} pairs of texts, of which half follow each other")
    measures = [_measure(spec, subject, pairs, out) for subject in subjects]
    return Found({"next_sentence_accuracy": measures}, {"next_sentence_accuracy": chance(0.5, len(pairs))})


def _measure(spec: SentencePairs, subject: Subject, pairs: Sequence["TextPair"], out: Workspace) -> "Measure":
    import numpy as np

    from limbeck.evaluation.measures import averaged
    from limbeck.models.observing import observe
    from limbeck.signals import Needs
    from limbeck.tasks.sentence_pairs import encode_pairs, pair_batch

    one = loaded(subject)
    encoded = encode_pairs(pairs, one.tokenizer, min(spec.length, one.longest))
    right_E = np.zeros(len(pairs))
    for indices, chosen in in_batches(encoded, [len(ids) for ids, _ in encoded], subject, "pairs", out):
        logits_B2 = observe(one.model, pair_batch(chosen, one.pad).to(one.model.device), Needs(pairs=True)).pair_logits
        assert logits_B2 is not None
        said = logits_B2.argmax(-1).tolist()
        right_E[indices] = [label == pairs[index].label for label, index in zip(said, indices, strict=True)]
    return averaged(right_E)
