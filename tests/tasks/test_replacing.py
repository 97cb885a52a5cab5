from limbeck.tasks.question_answering.answering import QuestionAnswering
from limbeck.tasks.question_answering.question import Question
from limbeck.tasks.replacing import Spot, moved, rewritten, spots_of
from limbeck.tasks.sequence_classification.judging import SequenceClassification
from limbeck.tasks.sequence_classification.labelled_text import LabelledText
from limbeck.tasks.token_classification.tagged_text import from_words
from limbeck.tasks.token_classification.tagging import TokenClassification


def _words(text, spots):
    return [text[spot.start : spot.end] for spot in spots]


def test_only_words_of_letters_are_replaced():
    """A number or a name of code is no word that a language model knows others for."""
    text = "It's 42 km to Zażółć, foo_bar and v2."
    assert _words(text, spots_of(text)) == ["It", "s", "km", "to", "Zażółć", "and"]


def test_the_rest_of_a_text_stays():
    """A space lost beside a replaced word makes two words one."""
    words = {Spot(0, 0, 1): "One", Spot(0, 4, 9): "b", Spot(1, 0, 1): "other text"}
    assert rewritten("a,  house !", words) == "One,  b !"
    assert rewritten("a", words, part=1) == "other text"
    assert rewritten("as it was", {}) == "as it was"


def test_tags_follow_their_words():
    """A tag that stays where its word was moved away from stands beside another word."""
    task = TokenClassification()
    example = from_words(["Anna", "saw", "3", "old", "houses"], ["B-PER", "O", "O", "O", "O"], "g")
    spots = task.changeable(example)
    assert _words(example.text, spots) == ["Anna", "saw", "old", "houses"]
    changed = task.replaced(example, {spots[0]: "Jo", spots[2]: "ancient"})
    assert changed.tokens == ["Jo", "saw", "3", "ancient", "houses"]
    assert set(changed.tags) == {"?"}
    assert changed.group == "g"
    assert moved(example.words, {}) == example.words


def test_both_texts_of_a_pair_are_rewritten_apart():
    """Words put into the other text of a pair make a pair that nobody meant."""
    task = SequenceClassification()
    example = LabelledText("a house", "a garden", "yes", "doc")
    spots = task.changeable(example)
    assert [(spot.part, spot.start) for spot in spots] == [(0, 0), (0, 2), (1, 0), (1, 2)]
    changed = task.replaced(example, {spots[1]: "tree", spots[2]: "one"})
    assert changed == LabelledText("a tree", "one garden", None, "doc")


def test_the_sentence_of_an_answer_and_the_question_stay():
    """A question about what its context no longer says teaches to answer at random."""
    text = "It rained. Anna came from Oslo. Nobody knew why."
    task = QuestionAnswering()
    example = Question("Who came from Oslo?", text, (("Anna", 11),), "7")
    spots = task.changeable(example)
    assert _words(text, spots) == ["It", "rained", "Nobody", "knew", "why"]
    changed = task.replaced(example, {spots[1]: "had snowed", spots[4]: "it"})
    assert changed.text == "It had snowed. Anna came from Oslo. Nobody knew it."
    assert (changed.question, changed.answers, changed.answered) == ("Who came from Oslo?", (), False)
    unanswerable = Question("Who?", text)
    assert len(task.changeable(unanswerable)) == len(spots_of(text))
