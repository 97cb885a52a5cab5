import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import processors
from transformers import PreTrainedTokenizerFast

from limbeck.decoding.answers import Passage, candidates
from limbeck.decoding.characters import whole
from limbeck.errors import ModelError, RecipeError
from limbeck.tasks.question_answering import encoding
from limbeck.tasks.question_answering.question import Question

_PIECES = ["Anna", "Åre", " ", "  ", "🙂", "e\u0301", "東京", "x", "...", "naïve", "Kraków", "שלום", "किताब", "\u200b"]
_PIECES += ["👩\u200d👧", "👍🏽", "🇸🇪", "the quick ", "fox, ", "\n", "\u202b", "\t"]
_PIECES += ["dog", "İs", "ﬁ", "…½", "كِتَاب", "กำ"]
_TEXTS = st.lists(st.sampled_from(_PIECES), max_size=40).map("".join)


def encode(questions, tokenizer, length, stride, question_length=64):
    """BERT's length of questions, where a test names none."""
    return encoding.encode(questions, tokenizer, length, stride, question_length)


def _echo(window):
    """Logits of a model that is always right, and never says "no answer" where there is one."""
    logits = np.zeros((len(window.input_ids), 2))
    for end, place in enumerate(window.answer):
        logits[place, end] = 9.0
    return logits


def _decoded(question, windows):
    """What is read from that model's scores."""
    passages = [Passage(_echo(window), window.nowhere, window.first, window.offsets) for window in windows]
    return candidates(question.text, passages, longest=300)


def _stretch(tokenizer, text, start, end):
    """The characters that the tokens of a stretch cover, found the slow way."""
    start, end = whole(text, start, end)
    covered = []
    for low, high in tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]:
        seen = [place for place in range(low, high) if place in range(*whole(text, place, place + 1))]
        if seen and seen[0] < end and seen[-1] >= start:
            covered += seen
    return whole(text, min(covered), max(covered) + 1) if covered and start < end else None


@given(data=st.data(), text=_TEXTS, length=st.integers(20, 60), stride=st.integers(0, 4))
@settings(max_examples=60)
def test_every_answer_comes_back(tokenizers, data, text, length, stride):
    """An answer that is read a character off is wrong, and no training mends it."""
    tokenizer = tokenizers[data.draw(st.sampled_from(sorted(tokenizers)))]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    answers = ((text[start:end], start),) if start < end else ()
    question = Question("Who flew?", text, answers)
    windows = encode([question], tokenizer, length, stride, 8).windows
    assert max(len(window.input_ids) for window in windows) <= length
    found = _decoded(question, windows)
    expected = _stretch(tokenizer, text, start, end) if answers else None
    holding = [window for window in windows if window.answer != (window.nowhere, window.nowhere)]
    if expected is None or not holding:
        assert expected is None or not holding
        return
    assert (found.best[0].start, found.best[0].end) == expected
    assert found.best[0].logit == 18.0
    for window in windows:
        assert window.choices[list(window.answer)].all()


@given(text=_TEXTS.filter(str.strip), length=st.integers(20, 60), stride=st.integers(0, 4))
@settings(max_examples=40)
def test_windows_are_those_of_the_tokenizer(tokenizers, text, length, stride):
    """Windows put together by another rule than the tokenizer's train on sequences that no user will send."""
    for kind, tokenizer in tokenizers.items():
        question = "fox"
        ours = encode([Question(question, text)], tokenizer, length, stride, 8).windows
        theirs = tokenizer(
            question,
            text,
            truncation="only_second",
            max_length=length,
            stride=stride,
            return_overflowing_tokens=True,
        )
        assert [window.input_ids.tolist() for window in ours] == theirs["input_ids"], kind
        for place, window in enumerate(ours):
            sides = theirs.sequence_ids(place)
            assert [n for n, side in enumerate(sides) if side == 1] == list(
                range(window.first, window.first + len(window.offsets))
            )
            assert window.input_ids[window.nowhere] == tokenizer.cls_token_id
            zeros = [0] * len(window.input_ids)
            types = zeros if window.token_types is None else window.token_types.tolist()
            assert types == theirs.get("token_type_ids", [zeros] * len(ours))[place]


def test_every_family_is_put_together_as_its_models_were(tokenizers):
    """Token types that a model never saw, or one mark between two texts where two belong, cost points unseen."""
    shapes = {}
    for kind, tokenizer in tokenizers.items():
        (window,) = encode([Question("fox", "dog")], tokenizer, 40, 2).windows
        tokens = tokenizer.convert_ids_to_tokens(window.input_ids.tolist())
        special = [token for token in tokens if token in tokenizer.all_special_tokens]
        shapes[kind] = ("".join(special), window.token_types is not None)
    assert shapes == {
        "bert": ("[CLS][SEP][SEP]", True),
        "roberta": ("<s></s></s></s>", False),
        "herbert": ("<s></s></s>", False),
        "xlm-roberta": ("<s></s></s></s>", False),
        "deberta": ("[CLS][SEP][SEP]", True),
        "albert": ("[CLS][SEP][SEP]", False),
    }


def test_one_window_by_hand(bert):
    """Targets one place off teach the comma before the answer."""
    text = "the fox jumps over the dog"
    (window,) = encode([Question("Who?", text, (("fox jumps", 4),))], bert, 40, 2).windows
    tokens = bert.convert_ids_to_tokens(window.input_ids.tolist())
    first, last = window.answer
    assert bert.convert_tokens_to_string(tokens[first : last + 1]).replace(" ##", "") == "fox jumps"
    assert window.nowhere == 0
    assert window.choices.tolist() == [True, *[False] * (window.first - 1), *[True] * len(window.offsets), False]
    assert text[window.offsets[0, 0] : window.offsets[-1, 1]] == text
    assert window.token_types.tolist() == [0] * window.first + [1] * (len(window.offsets) + 1)


def test_an_answer_across_two_windows_is_in_neither(bert):
    """Half an answer learned as a whole one is answered so for ever."""
    text = "the fox " * 20
    question = Question("fox", text, (("fox the fox the fox", 4 + 8 * 3),))
    windows = encode([question], bert, 16, 2).windows
    assert len(windows) > 2
    for window in windows:
        inside = window.answer != (window.nowhere, window.nowhere)
        low, high = window.offsets[0, 0], window.offsets[-1, 1]
        assert inside == (low <= 28 and high >= 28 + 19)
        if inside:
            start, end = (
                window.offsets[window.answer[0] - window.first, 0],
                window.offsets[window.answer[1] - window.first, 1],
            )
            assert text[start:end] == "fox the fox the fox"


def test_the_answer_given_most_often_is_taught(bert):
    """The first of several people is not the best of them."""
    question = Question("Who?", "the quick brown fox", (("the quick brown fox", 0), ("fox", 16), ("fox", 16)))
    (window,) = encode([question], bert, 64, 2).windows
    assert window.offsets[window.answer[0] - window.first].tolist()[0] == 16


def test_long_questions_are_cut_and_counted(bert):
    """A question that fills the window leaves no room for what answers it."""
    long = Question("fox " * 500 + "?", "the dog")
    windows = encode([long, Question("fox", "the dog")], bert, 40, 2, 8)
    assert windows.windows[0].first == 10
    assert windows.notes == ("1 of 2 questions are longer than 8 tokens and were cut there",)
    half = encode([long], bert, 41, 2)
    assert half.windows[0].first == 2 + (41 - 3) // 2
    assert half.notes == ("1 of 1 questions are longer than 19 tokens and were cut there",)


def test_space_around_a_question_is_no_part_of_it(tokenizer):
    """Some of SQuAD's questions begin with a line of spaces."""
    two = encode([Question(" \n fox ", "the dog"), Question("fox", "the dog")], tokenizer, 40, 2).windows
    assert two[0].input_ids.tolist() == two[1].input_ids.tolist()


def test_nothing_to_read(tokenizer):
    """An empty context sent to a server must not stop it."""
    questions = [Question("fox", ""), Question("", "the dog"), Question("", ""), Question("fox", " \u200b\n")]
    windows = encode(questions, tokenizer, 40, 2).windows
    assert [window.example for window in windows] == [0, 1, 2, 3]
    for window in windows:
        assert window.answer == (window.nowhere, window.nowhere)
    assert [bool(_decoded(question, [window]).best) for question, window in zip(questions, windows, strict=True)] == [
        False,
        True,
        False,
        False,
    ]


def test_questions_about_one_context_share_its_tokens(bert):
    """Ten questions about a paragraph that is tokenised ten times take ten times as long."""
    windows = encode([Question("fox", "the dog"), Question("dog", "the dog")], bert, 40, 2).windows
    assert windows[0].offsets.base is windows[1].offsets.base


def test_a_mark_behind_the_texts_is_found(bert):
    """Not every tokenizer puts [CLS] in front; XLNet's stands last."""
    backend = bert.backend_tokenizer.from_str(bert.backend_tokenizer.to_str())
    ids = [(token, backend.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    backend.post_processor = processors.TemplateProcessing(
        single="$A [SEP] [CLS]", pair="$A [SEP] $B:1 [SEP]:1 [CLS]:2", special_tokens=ids
    )
    last = PreTrainedTokenizerFast(tokenizer_object=backend, cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]")
    question = Question("fox", "the dog " * 30, (("dog", 4),))
    for window in encode([question], last, 24, 4).windows:
        assert window.nowhere == len(window.input_ids) - 1
        assert window.input_ids[window.nowhere] == last.cls_token_id


def test_what_cannot_be_encoded_is_refused(bert, tmp_path):
    """A tokenizer that runs question and context together makes one text of them."""
    with pytest.raises(RecipeError, match="with a question of 6 have room for 7 of its context and cannot share 7"):
        encode([], bert, 16, 7)
    with pytest.raises(RecipeError, match="a question of 0 have room for 0 of its context and cannot share 0"):
        encode([], bert, 2, 0)
    backend = bert.backend_tokenizer.from_str(bert.backend_tokenizer.to_str())
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(token, backend.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    )
    single = PreTrainedTokenizerFast(tokenizer_object=backend, cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]")
    with pytest.raises(ModelError, match=r"lacks \[CLS\] or a mark between them; give its tokenizer\.json a post-proc"):
        encode([Question("fox", "dog")], single, 40, 2)

    class Slow:
        is_fast = False

    with pytest.raises(ModelError, match="Slow gives no character offsets"):
        encode([Question("fox", "dog")], Slow(), 40, 2)
