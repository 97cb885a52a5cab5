import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from limbeck.errors import ModelError, RecipeError
from limbeck.models.loading import load_model, random_model, save_model
from limbeck.models.reducing import make_student, reduce_config, reduce_model, require_one_tokenizer, student_config
from limbeck.models.reduction import Reduction
from limbeck.outlines import Outline


def _words(*words):
    backend = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="U"))
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="U")


def _cut(**fields):
    return Reduction.parse(fields, "student")


def test_sentences():
    """`plan` prints them; a wrong one is believed."""
    assert _cut(layers={"keep": "half", "from": "spread"}).sentence(6) == "keeps layers 1, 4, 6 of 6"
    assert _cut(**{"as": "distilbert"}).sentence(2) == "keeps all 2 layers, as a DistilBERT"
    assert _cut().kept(3) == [1, 2, 3]


def test_it_is_written_as_it_was_read():
    """The resolved recipe is read again; a field under another name would be refused."""
    cut = _cut(**{"layers": {"keep": 2, "from": "top"}, "as": "distilbert"})
    assert Reduction.parse(cut.model_dump(by_alias=True), "again") == cut
    with pytest.raises(RecipeError, match='unknown field "layer"; did you mean "layers"'):
        _cut(layer={"keep": 2})


def test_the_configuration_is_that_of_the_model(make, family):
    """A forecast of another shape than the model's is wrong about everything that rests on it."""
    model = make(family, "ForMaskedLM")
    small, config = (
        cut(whole, _cut(layers={"keep": 2})) for cut, whole in ((reduce_model, model), (reduce_config, model.config))
    )
    assert {**config.to_dict(), "dtype": None} == {**small.config.to_dict(), "dtype": None}
    assert model.config.to_dict() != config.to_dict()
    assert [p.shape for p in random_model(config, mlm=True).parameters()] == [p.shape for p in small.parameters()]


def test_fresh_weights_leave_the_generator_alone(config_of):
    """A forecast that draws from the generator changes what the run draws next."""
    state = torch.get_rng_state()
    random_model(config_of("bert"))
    assert torch.equal(state, torch.get_rng_state())


def test_a_student_is_cut_out_or_named(make, config_of, tmp_path):
    """A student that shares tensors with its teacher would train the teacher."""
    teacher = make("bert")
    tokenizer = _words("U", "a")
    save_model(teacher, tokenizer, tmp_path)
    cut = _cut(layers={"keep": 1})
    student, words = make_student(cut, teacher, str(tmp_path), {})
    assert student.config.num_hidden_layers == 1
    assert words.get_vocab() == tokenizer.get_vocab()
    assert {p.data_ptr() for p in student.parameters()}.isdisjoint(p.data_ptr() for p in teacher.parameters())
    named, _ = make_student(str(tmp_path), teacher, str(tmp_path), {})
    assert torch.equal(named.get_input_embeddings().weight, load_model(str(tmp_path)).get_input_embeddings().weight)
    forecast = Outline(makes="model", model=config_of("electra").to_dict())
    assert student_config("@small", teacher.config, {"@small": forecast}).model_type == "electra"
    with pytest.raises(ModelError, match="the shape of @small is not known"):
        student_config("@small", teacher.config, {"@small": Outline(makes="model")})


def test_a_student_keeps_its_own_tokens(make, tmp_path):
    """A student saved with its teacher's tokenizer would read other words than it has learnt."""
    save_model(make("bert"), _words("U", "a", "b"), tmp_path / "teacher")
    save_model(make("bert"), _words("U", "b", "a"), tmp_path / "student")
    _, tokenizer = make_student(str(tmp_path / "student"), make("bert"), str(tmp_path / "teacher"), {})
    assert tokenizer.get_vocab() == {"U": 0, "b": 1, "a": 2}


def test_other_tokens_are_refused(make, tmp_path):
    """Two vocabularies of one size are still two: every answer would be averaged with another token's."""
    names = [str(tmp_path / name) for name in ("one", "two")]
    for name, words in zip(names, (("U", "a", "b"), ("U", "b", "a")), strict=True):
        save_model(make("bert"), _words(*words), tmp_path / name)
    with pytest.raises(ModelError, match='different tokens: "a" is number 1 in the one and 2 in the other'):
        require_one_tokenizer(names, names)
