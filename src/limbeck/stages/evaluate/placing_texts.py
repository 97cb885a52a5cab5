"""Where models place texts: the mean over a text's tokens of what the last layer puts out, compared by cosine.

Of BERT's vectors without fine-tuning the mean serves better than that of [CLS], which nothing has taught to stand for a
text (Reimers and Gurevych, arXiv 1908.10084, table 1).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from limbeck.artifacts import Artifact
from limbeck.stages.evaluate.subjects import Found, Loaded, Subject, in_batches, loaded
from limbeck.tasks.raw_data import Retrieval, Similarity
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from limbeck.windows.window import Floats


def compare_texts(
    spec: Similarity, subjects: Sequence[Subject], inputs: Mapping[str, Artifact], out: Workspace, seed: int
) -> Found:
    """Correlates the cosines of pairs of texts with the numbers that people gave them.

    Raises:
        DataError: the files cannot be read, or have no pairs with a number.
    """
    from limbeck.evaluation.metrics import measure_of
    from limbeck.evaluation.raw_scores import chance, cosines
    from limbeck.tasks.likeness import read_pairs

    pairs, notes = read_pairs(spec)
    for note in notes:
        out.say(note)
    out.say(f"{len(pairs):,} pairs of texts")
    texts = list(dict.fromkeys(text for pair in pairs for text in (pair.first, pair.second)))
    place = {text: number for number, text in enumerate(texts)}
    gold, said = [pair.value for pair in pairs], []
    for subject in subjects:
        vectors_NH = _vectors(loaded(subject), texts, spec.length, subject, out)
        one_EH, other_EH = (vectors_NH[[place[getattr(pair, side)] for pair in pairs]] for side in ("first", "second"))
        said.append(cosines(one_EH, other_EH).tolist())
    measures = {f"cosine_{name}": [measure_of(name, gold, each) for each in said] for name in ("spearman", "pearson")}
    return Found(measures, {metric: chance(0.0, len(pairs)) for metric in measures})


def find_paragraphs(
    spec: Retrieval, subjects: Sequence[Subject], inputs: Mapping[str, Artifact], out: Workspace, seed: int
) -> Found:
    """Orders all paragraphs by their cosine with each question, and looks where its own stands.

    Raises:
        DataError: the files cannot be read, or have a single paragraph.
    """
    import numpy as np

    from limbeck.evaluation.raw_scores import chance, first_measure, places, reciprocal_measure
    from limbeck.tasks.likeness import read_questions

    questions, paragraphs, own, notes = read_questions(spec)
    for note in notes:
        out.say(note)
    out.say(f"{len(questions):,} questions, {len(paragraphs):,} paragraphs")
    found = []
    for subject in subjects:
        vectors_NH = _vectors(loaded(subject), [*paragraphs, *questions], spec.length, subject, out)
        found.append(places(vectors_NH[len(paragraphs) :], vectors_NH[: len(paragraphs)], np.array(own)))
    first, mean = 1 / len(paragraphs), float((1 / np.arange(1, len(paragraphs) + 1)).mean())
    return Found(
        {
            "retrieval_at_1": [first_measure(each) for each in found],
            "retrieval_mrr": [reciprocal_measure(each) for each in found],
        },
        {"retrieval_at_1": chance(first, len(questions)), "retrieval_mrr": chance(mean, len(questions))},
    )


def _vectors(one: Loaded, texts: Sequence[str], longest: int, subject: Subject, out: Workspace) -> "Floats":
    """(N, H)."""
    import numpy as np

    from limbeck.models.reading import sentence_vectors
    from limbeck.tasks.plain_texts import encode_texts, text_batch

    encoded = encode_texts(texts, one.tokenizer, min(longest, one.longest))
    found: list[Floats] = [np.empty(0)] * len(texts)
    for indices, chosen in in_batches(encoded, list(map(len, encoded)), subject, "texts", out):
        for index, vector_H in zip(
            indices, sentence_vectors(one.model, [text_batch(chosen, one.pad).to(one.model.device)]), strict=True
        ):
            found[int(index)] = vector_H
    return np.stack(found)
