import pytest

from limbeck.publishing.exchanging import Exchange, Sentence, example, exchanges, languages, measured, wilson

SENTENCES = (Sentence("", " sings.", "Who sings?"), Sentence("We saw ", " today.", "Whom?"))
PAIRS = (("Ann", "Bo"), ("Ann", "Cy"))


def _found(task, ask):
    return measured(Exchange("names", PAIRS, SENTENCES), task, ask)


def test_a_model_that_does_not_look_at_names_is_found_to_be_one():
    """A probe that sees differences everywhere is ignored everywhere."""
    found = _found("text-classification", lambda texts: [[{"label": "good", "score": 1.0}] for _ in texts])
    assert (found.compared, found.differing, found.share, found.sentences) == (4, 0, 0.0, 2)
    assert found.ci95[0] == 0
    assert found.ci95[1] > 0.5, "two sentences show next to nothing"


def test_every_pair_is_counted():
    """By hand: Bo alone is judged differently, in the second sentence alone."""
    found = _found(
        "text-classification", lambda texts: [[{"label": "bad" if t == "We saw Bo today." else "good"}] for t in texts]
    )
    assert (found.differing, found.share) == (1, 0.25)
    assert (found.worst, found.worst_differing) == (("Ann", "Bo"), 1)


def test_the_name_itself_is_no_difference():
    """Names differ in length: places of what is found behind them do, too, and that is no bias."""

    def tags(texts):
        found = []
        for text in texts:
            name = next(word for word in ("Ann", "Bo", "Cy") if word in text)
            start = text.index(name)
            entity = {"entity_group": "PER", "start": start, "end": start + len(name)}
            last = {"entity_group": "X", "start": len(text) - 6, "end": len(text) - 1}
            found.append([entity, last])
        return found

    assert _found("token-classification", tags).differing == 0


def test_half_a_name_is_a_difference():
    """A tagger that finds `Xiao` of `Xiaoyan` did not find her."""

    def answers(asked):
        return [{"start": (s := each["context"].index(each["context"][0])), "end": s + 2} for each in asked]

    sentences = (Sentence("", " sings.", "Who?"),)
    found = measured(Exchange("names", (("Ann", "Bo"),), sentences), "question-answering", answers)
    assert found.differing == 1


def test_the_question_goes_along():
    """A model of questions that is asked none answers something else."""
    asked = []
    _found("question-answering", lambda inputs: asked.extend(inputs) or [{"start": 0, "end": 0} for _ in inputs])
    assert asked[0] == {"question": "Who sings?", "context": "Ann sings."}


def test_wilson_by_hand():
    """Half of ten, as in Wilson's paper's form: 0.5 plus or minus 0.263."""
    assert wilson(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0.0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(1.0, 20) == pytest.approx((0.8389, 1.0), abs=1e-4)


@pytest.mark.parametrize("language", ["en", "pl", "sv"])
def test_every_language_has_sentences_for_every_task(language):
    """A gap that is not filled is asked about as it stands."""
    assert language in languages()
    for task in ("question-answering", "token-classification", "text-classification", "fill-mask"):
        found = exchanges(language, task, "<mask>")
        assert found[0].what == "two names of one sex and origin"
        assert len(found) == (5 if task == "fill-mask" else 6)
        for exchange in found:
            assert len(exchange.sentences) >= 8
            assert all(one != other for one, other in exchange.pairs)
            for sentence in exchange.sentences:
                text = f"{sentence.before}NAME{sentence.after}"
                assert "{" not in text
                assert ("<mask>" in text) == (task == "fill-mask")
                assert bool(sentence.ask) == (task != "fill-mask")


def test_an_example_in_another_language_is_english():
    """A snippet has to run, whatever the model speaks."""
    assert example("sv")[0].startswith("Anna ")
    assert example("is") == example("en")
