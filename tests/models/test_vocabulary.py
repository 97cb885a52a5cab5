import pytest
import torch
import transformers

from limbeck.errors import ModelError, RecipeError
from limbeck.models.counting import count, shape_of
from limbeck.models.families import encoder_of
from limbeck.models.sameness import output_differences
from limbeck.models.vocabulary import bounded_config, keep_tokens, named_tokens, tokens_within, vocabulary_config

HEADS = ("", "ForMaskedLM", "ForTokenClassification")
KEPT = [0, 1, 2, 3, 5, 6, 9, 20, 21, 40, 58, 59]


def _kept(model):
    return sorted({*KEPT, *named_tokens(model.config)})


def _run(model, **batch):
    with torch.inference_mode():
        return model(**batch, output_hidden_states=True)


@pytest.fixture
def ids(make, family):
    """Two sentences of kept tokens, the second padded, by the old numbers and by the new."""
    kept = _kept(make(family))
    new = torch.randint(4, len(kept), (2, 9), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(new)
    mask[1, 6:] = 0
    return {"input_ids": torch.tensor(kept)[new], "attention_mask": mask}, {"input_ids": new, "attention_mask": mask}


@pytest.mark.parametrize("head", HEADS)
def test_outputs_are_those_of_the_whole_model(make, family, head, ids):
    """Rows in another order give every word another's meaning, and no shape tells."""
    model = make(family, head)
    kept = _kept(model)
    before, after = _run(model, **ids[0]), _run(keep_tokens(model, kept), **ids[1])
    for expected, found in zip(before.hidden_states, after.hidden_states, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    if head:
        logits = before.logits[..., kept] if head == "ForMaskedLM" else before.logits
        torch.testing.assert_close(after.logits, logits, rtol=0, atol=1e-5)
    assert model.config.vocab_size == 60


def test_rows_by_hand(make, family):
    """The table that was copied has to be the model's, row by row."""
    model = make(family, "ForMaskedLM")
    kept = _kept(model)
    cut = keep_tokens(model, kept)
    words, fewer = (encoder_of(each).get_input_embeddings().weight for each in (model, cut))
    assert torch.equal(fewer, words[kept])
    assert cut.get_output_embeddings().weight is fewer
    assert torch.equal(cut.get_output_embeddings().bias, model.get_output_embeddings().bias[kept])
    assert fewer.data_ptr() != words.data_ptr()
    assert count(model).total - count(cut).total == (60 - len(kept)) * (words.shape[1] + 1)


def test_an_untied_decoder_is_cut_and_stays_untied(make, family):
    """A decoder that was trained apart must not be replaced by the embeddings, nor keep its old rows."""
    model = make(family, "ForMaskedLM", tie_word_embeddings=False)
    kept = _kept(model)
    cut = keep_tokens(model, kept)
    assert torch.equal(cut.get_output_embeddings().weight, model.get_output_embeddings().weight[kept])
    assert cut.get_output_embeddings().weight is not encoder_of(cut).get_input_embeddings().weight


@pytest.mark.parametrize("head", HEADS)
def test_plain_transformers_loads_it(make, family, head, ids, tmp_path):
    """A model that only Limbeck can load is of no use to anyone else."""
    model = make(family, head)
    cut = keep_tokens(model, _kept(model))
    cut.save_pretrained(tmp_path)
    auto = getattr(transformers, f"AutoModel{head}")
    again, found = auto.from_pretrained(tmp_path, output_loading_info=True)
    assert not found["missing_keys"]
    assert not found["unexpected_keys"]
    assert again.config.vocab_size == len(_kept(model))
    torch.testing.assert_close(_run(again.eval(), **ids[1])[0], _run(cut, **ids[1])[0], rtol=0, atol=1e-6)


def test_the_forecast_has_the_right_shape(make, family):
    """A plan that promises another size than the run makes is worse than none."""
    model = make(family, "ForMaskedLM")
    model.config.architectures = [type(model).__name__]
    kept = _kept(model)
    expected = count(keep_tokens(model, kept))
    assert count(vocabulary_config(model.config, kept)) == expected
    assert count(bounded_config(model.config, len(kept))) == expected
    assert shape_of(bounded_config(model.config, len(kept))).positions == shape_of(model.config).positions
    assert tokens_within(model.config, expected.bytes) == len(kept)
    assert tokens_within(model.config, expected.bytes - 1) == len(kept) - 1
    with pytest.raises(RecipeError, match=r"MB without any token; found megabytes: 0\.001, so give more"):
        tokens_within(model.config, 1000)


def test_numbers_of_special_tokens_follow(config_of):
    """A padding token under its old number makes another word count as nothing."""
    config = config_of("modernbert", pad_token_id=58, mask_token_id=40)
    cut = vocabulary_config(config, [2, 3, 7, 40, 58])
    assert (cut.pad_token_id, cut.mask_token_id, cut.cls_token_id, cut.sep_token_id) == (4, 3, 0, 1)
    assert (config.pad_token_id, config.vocab_size) == (58, 60)


@pytest.mark.parametrize("kind", ["roberta", "xlm-roberta"])
def test_positions_that_follow_the_padding_keep_their_rows(kind, make):
    """RoBERTa counts positions from the padding token's number; another number shifts every position."""
    model = make(kind, pad_token_id=4, bos_token_id=8, eos_token_id=9)
    assert named_tokens(model.config) == {0, 1, 2, 3, 4, 8, 9}
    cut = keep_tokens(model, [0, 1, 2, 3, 4, 8, 9, 30, 31])
    assert cut.config.pad_token_id == 4
    before = _run(model, input_ids=torch.tensor([[8, 30, 31, 9, 4]])).last_hidden_state
    after = _run(cut, input_ids=torch.tensor([[5, 7, 8, 6, 4]])).last_hidden_state
    torch.testing.assert_close(after, before, rtol=0, atol=1e-6)


def test_a_missing_pooler_stays_missing_and_the_mode_is_kept(make):
    """A pooler made up at random would pass for a trained one."""
    model = make("bert").train()
    model.pooler = None
    model.embeddings.word_embeddings.weight.requires_grad_(False)
    cut = keep_tokens(model, _kept(model))
    assert cut.pooler is None
    assert cut.training
    assert not cut.embeddings.word_embeddings.weight.requires_grad


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        ([3, 2, 0], "in ascending order, each once, among 0 to 59; found 3 of them, from 0 to 3"),
        ([0, 0, 1], "in ascending order, each once"),
        ([0, 60], "among 0 to 59; found 2 of them, from 0 to 60"),
        ([], "found 0 of them, from none to none"),
        ([1, 2], "relies on token 0, which would be dropped; keep it"),
    ],
)
def test_what_cannot_be_kept_is_refused(make, kept, message):
    """An order that is not the tokenizer's, or a padding token that is gone, is found out much later."""
    with pytest.raises(ModelError, match=message):
        keep_tokens(make("bert"), kept)


@pytest.mark.parametrize("head", HEADS)
def test_the_same_outputs_pass(make, family, head):
    """The proof has to pass what is right, or nobody can trim."""
    model = make(family, head)
    kept = _kept(model)
    samples = [([kept[n] for n in numbers], numbers) for numbers in ([4, 5, 6], [7, 8], list(range(4, 10)) * 8)]
    found = output_differences(model, keep_tokens(model, kept), samples, kept)
    assert max(found.values()) < 1e-5
    assert {"hidden_states", *(["logits"] if head else ["last_hidden_state"])} <= found.keys()


@pytest.mark.parametrize("change", ["a row", "a bias", "not a number"])
def test_other_outputs_stop_it(make, change):
    """A proof that passes whatever it is given proves nothing."""
    model = make("bert", "ForMaskedLM")
    cut = keep_tokens(model, KEPT)
    with torch.no_grad():
        if change == "a row":
            cut.bert.embeddings.word_embeddings.weight[5] += 0.01
        else:
            cut.cls.predictions.bias[7] += 0.01 if change == "a bias" else float("nan")
    with pytest.raises(ModelError, match=r"with fewer tokens the model's .* differ by .* and 1e-05 is allowed"):
        output_differences(model, cut, [([6, 9, 20], [5, 6, 7])], KEPT)
