import pytest

from limbeck.tasks.question_answering.baseline import guess_answers, likely_sentences, usual_answers
from limbeck.tasks.question_answering.question import Question

TEXT = "The fox ran away. The dog, which was old, slept. Was the dog glad? It was!"


@pytest.mark.parametrize(
    ("question", "text", "sentence"),
    [
        ("Who ran?", TEXT, "The fox ran away."),
        ("Which was old?", TEXT, "The dog, which was old, slept."),
        ("Was the dog glad", TEXT, "Was the dog glad?"),
        ("Why?", TEXT, "The fox ran away."),
        ("It", TEXT, "It was!"),
        ("水是什么？", "火很热。水很冷！", "水很冷！"),
        ("Version 3.14?", "It is 3.13 now. Then comes 3.14 soon", "Then comes 3.14 soon"),
        ("कौन आया?", "राम गया। श्याम आया।", "श्याम आया।"),
        ("Who?", "", ""),
        ("Who?", " \n", ""),
    ],
)
def test_the_sentence_with_most_of_the_question(question, text, sentence):
    """A model that loses to looking up the words of the question has learned nothing."""
    (found,) = likely_sentences([Question(question, text)])
    assert found == sentence
    assert found in text


def test_rare_words_count_more():
    """By number alone every question would find the longest sentence."""
    texts = ["This is of the best kind. Ada wrote nothing.", "It is here. It is there. The sea is of it."]
    questions = [Question("Is it Ada?", texts[0]), Question("What is it?", texts[1])]
    assert likely_sentences(questions)[0] == "Ada wrote nothing."


def test_silence_where_it_is_better():
    """A baseline that always answers is easily beaten where half the questions have no answer."""
    answered = Question("Who ran?", TEXT, (("The fox ran away", 0),))
    part = Question("Who ran?", TEXT, (("fox", 4),))
    none = Question("Why?", TEXT)
    assert usual_answers([answered, none]) == {"silent": False}  # one right, or one right
    assert usual_answers([part, none]) == {"silent": True}
    assert guess_answers({"silent": True}, [answered, none]) == ["", ""]
    assert guess_answers({"silent": False}, [answered]) == ["The fox ran away."]


def test_real_questions(shared_data):
    """In a language whose words or sentences are not found, anything beats the baseline."""
    from limbeck.tasks.question_answering.squad_files import read_squad

    for language in ("en", "zh", "th", "ar", "hi", "ru"):
        questions, _ = read_squad(str(shared_data / "qa" / "xquad" / f"xquad.{language}-dev.json"))
        found = likely_sentences(questions)
        holding = [answer in said for said, each in zip(found, questions, strict=True) for answer, _ in each.answers]
        assert sum(holding) > 0.6 * len(questions), language
