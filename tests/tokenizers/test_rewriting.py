import json
import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, processors
from transformers import AutoTokenizer

import tiny_tokenizers
from limbeck.errors import ModelError
from limbeck.tokenizers.choosing import choose
from limbeck.tokenizers.comparing import compare
from limbeck.tokenizers.counting import count_tokens
from limbeck.tokenizers.rewriting import lasting_tokens, trimmed


def _loaded(kind, kept, folder):
    kind.tokenizer.save_pretrained(folder)
    (folder / "tokenizer.json").write_text(trimmed(kind.document, kept), "utf-8")
    return AutoTokenizer.from_pretrained(folder)


def test_the_tokenizer_loads_as_what_it_was(kind, tmp_path):
    """AutoTokenizer builds some classes from their vocabulary and numbers of their own; those have to hold still."""
    kept = choose(kind.document, [kind.counts(kind.swedish)]).kept
    assert len(kept) < len(kind.tokenizer)
    again = _loaded(kind, kept, tmp_path)
    assert type(again) is type(kind.tokenizer)
    assert len(again) == len(kept)
    assert again.special_tokens_map == kind.tokenizer.special_tokens_map
    numbers = {int(old): new for new, old in enumerate(kept)}
    for text in kind.swedish[:20]:
        expected = [numbers[number] for number in kind.tokenizer(text)["input_ids"]]
        assert again(text)["input_ids"] == expected
        pair = kind.tokenizer(text, "skogen")["input_ids"]
        assert again(text, "skogen")["input_ids"] == [numbers[number] for number in pair]
        assert again.decode(expected) == kind.tokenizer.decode(kind.tokenizer(text)["input_ids"])
    assert again.convert_ids_to_tokens(range(len(again))) == kind.tokenizer.convert_ids_to_tokens(kept.tolist())


def test_words_of_the_other_language_can_still_be_spelt(kind, tmp_path):
    """Where a word loses its token it falls to pieces; letters that both languages have must not become unknown."""
    again = _loaded(kind, choose(kind.document, [kind.counts(kind.swedish)], coverage=0.5).kept, tmp_path)
    for word in ("las", "domek", "senna", "morgonen"):
        found = again(word, add_special_tokens=False)["input_ids"]
        assert again.unk_token_id not in found
        assert again.decode(found).replace(" ", "") == word


def test_an_unknown_letter_is_unknown_or_bytes(kind, tmp_path):
    """Text of another script must not be dropped without a sign."""
    again = _loaded(kind, choose(kind.document, [kind.counts(kind.swedish)]).kept, tmp_path)
    found = again("語", add_special_tokens=False)["input_ids"]
    assert found[-1:] == [again.unk_token_id] if kind.name != "roberta" else len(found) == 3


@given(data=st.data())
def test_text_of_kept_words_is_read_as_before(prepared, data):
    """The losslessness that is promised: the same tokens for every text that the kept ones cover."""
    original, reader, kept, words = data.draw(st.sampled_from(prepared))
    text = " ".join(data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=30)))
    numbers = {int(old): new for new, old in enumerate(kept)}
    assert reader.encode(text).ids == [numbers[number] for number in original.encode(text).ids]


@given(data=st.data())
def test_kept_words_are_read_as_before_among_others(prepared, data):
    """A word that falls to pieces must not change its neighbours."""
    original, reader, kept, _ = data.draw(st.sampled_from(prepared))
    text = data.draw(st.text("abcdeö fz.", max_size=60))
    compare([f"a {text} d"], original, reader, kept)


@pytest.fixture(scope="module")
def prepared():
    """Tokenizers of each kind, trimmed to several samples of words, with these words."""
    random_ = random.Random(4)
    words = ["".join(random_.choices("abcdeö", k=random_.randint(1, 7))) for _ in range(400)]
    texts = [" ".join(random_.choices(words, k=10)) for _ in range(200)]
    made = []
    for name, make in tiny_tokenizers.KINDS.items():
        tokenizer = make(texts, 520 if name == "roberta" else 300)
        backend = tokenizer.backend_tokenizer
        for share in (0.6, 0.8, 1.0):
            some = random_.sample(words, 60)
            counts = count_tokens([*some, " ".join(some)], backend, len(tokenizer))
            kept = choose(backend.to_str(), [counts], coverage=share).kept
            numbers = set(kept.tolist())
            covered = [word for word in words if numbers.issuperset(backend.encode(f"{word} {word}").ids)]
            assert len(covered) > 10
            made.append((backend, Tokenizer.from_str(trimmed(backend.to_str(), kept)), kept, covered))
    return made


def test_everything_that_names_a_token_is_renumbered():
    """A number that stays behind makes another token special."""
    words = {"x": 0, "[PAD]": 1, "[UNK]": 2, "y": 3, "[CLS]": 4, "[SEP]": 5, "a": 6}
    backend = Tokenizer(models.WordPiece(words, unk_token="[UNK]"))
    backend.add_special_tokens(["[PAD]", "[CLS]", "[SEP]", "<new>"])
    backend.post_processor = processors.Sequence(
        [processors.BertProcessing(("[SEP]", 5), ("[CLS]", 4)), processors.ByteLevel()]
    )
    backend.enable_padding(pad_id=1, pad_token="[PAD]")
    after = json.loads(trimmed(backend.to_str(), [1, 2, 4, 5, 6, 7]))
    assert {token["content"]: token["id"] for token in after["added_tokens"]} == {
        "[PAD]": 0,
        "[CLS]": 2,
        "[SEP]": 3,
        "<new>": 5,
    }
    assert after["padding"]["pad_id"] == 0
    assert after["post_processor"]["processors"][0] | {"type": ""} == {
        "type": "",
        "sep": ["[SEP]", 3],
        "cls": ["[CLS]", 2],
    }
    again = Tokenizer.from_str(json.dumps(after))
    assert again.encode("a<new>a").ids == [2, 4, 5, 4, 3]


def test_a_special_token_cannot_be_dropped(kind):
    """A model without its mask, its padding or its unknown token fails much later, and somewhere else."""
    for number in lasting_tokens(kind.document):
        token = kind.tokenizer.convert_ids_to_tokens(number)
        with pytest.raises(ModelError, match=re.escape(f'cannot do without "{token}"')):
            trimmed(kind.document, set(range(len(kind.tokenizer))) - {number})


def test_a_part_of_a_kept_token_cannot_be_dropped():
    """A merge without its parts is a token that never comes."""
    model = models.BPE({"<unk>": 0, "a": 1, "b": 2, "ab": 3, "abab": 4}, [("a", "b"), ("ab", "ab")], unk_token="<unk>")
    with pytest.raises(ModelError, match='token "abab" is made of "ab", which would be dropped; keep that, too'):
        trimmed(Tokenizer(model).to_str(), [0, 1, 2, 4])


def test_trimming_twice_is_trimming_once(kind):
    """Kept sets that nest must give one tokenizer, by whatever way."""
    kept = choose(kind.document, [kind.counts(kind.swedish)]).kept
    fewer = choose(kind.document, [kind.counts(kind.swedish)], coverage=0.5).kept
    once = trimmed(kind.document, fewer)
    places = np.searchsorted(kept, fewer)
    assert json.loads(trimmed(trimmed(kind.document, kept), places)) == json.loads(once)
