import json
import warnings

import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoTokenizer

from limbeck.artifacts import sha256
from limbeck.errors import ModelError
from limbeck.models import loading
from limbeck.models.loading import load_config, load_model, load_tokenizer, model_config, save_model
from limbeck.outlines import Outline


@pytest.mark.parametrize("head", ["", "ForMaskedLM", "ForTokenClassification", "ForSequenceClassification"])
def test_a_bare_call_loads_what_was_saved(make, family, head, batch, tokenizer, tmp_path, capfd):
    """A head that is dropped on loading is a fine-tuning thrown away."""
    model = make(family, head)
    save_model(model, tokenizer, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = load_model(str(tmp_path))
    assert type(again) is type(model)
    assert not again.training
    assert again.dtype == torch.float32
    assert again.config._attn_implementation == ("eager" if family == "deberta-v2" else "sdpa")
    torch.testing.assert_close(again(**batch)[0], model(**batch)[0], rtol=0, atol=0)
    assert capfd.readouterr() == ("", "")


def test_what_is_saved_loads_with_plain_transformers(make, family, batch, tokenizer, tmp_path):
    """A folder that needs Limbeck to be read is no export."""
    model = make(family, "ForTokenClassification", id2label={0: "O", 1: "B-X"}, label2id={"O": 0, "B-X": 1})
    save_model(model, tokenizer, tmp_path)
    again = transformers.AutoModelForTokenClassification.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(again(**batch).logits, model(**batch).logits, rtol=0, atol=0)
    assert AutoTokenizer.from_pretrained(tmp_path)("a b")["input_ids"] == [5, 6]


def test_the_same_weights_give_the_same_bytes(make, family, tokenizer, tmp_path):
    """Resuming is proved by comparing bytes, so saving may not add any of its own."""
    model = make(family, "ForMaskedLM")
    save_model(model, tokenizer, tmp_path / "one")
    again = load_model(str(tmp_path / "one"))
    save_model(again, load_tokenizer(str(tmp_path / "one")), tmp_path / "two")
    for name in ("config.json", "model.safetensors"):
        assert sha256(tmp_path / "one" / name) == sha256(tmp_path / "two" / name), name
    save_model(load_model(str(tmp_path / "two")), load_tokenizer(str(tmp_path / "two")), tmp_path / "three")
    for path in (tmp_path / "two").iterdir():
        assert sha256(path) == sha256(tmp_path / "three" / path.name), path.name


def test_half_precision_weights_are_widened(make, tokenizer, tmp_path):
    """A student trained in the float16 of its teacher's file loses small updates."""
    save_model(make("bert").half(), tokenizer, tmp_path)
    model = load_model(str(tmp_path))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_mlm_asks_for_the_weights_own_head(make, family, batch, tokenizer, tmp_path):
    """A head made up at random would be distilled from as if it were the teacher's."""
    model = make(family, "ForMaskedLM")
    save_model(model, tokenizer, tmp_path / "with")
    again = load_model(str(tmp_path / "with"), mlm=True)
    torch.testing.assert_close(again(**batch).logits, model(**batch).logits, rtol=0, atol=0)
    save_model(make(family), tokenizer, tmp_path / "without")
    with pytest.raises(ModelError, match=r"no masked-LM head; a `pretrain` step adds one, or with_mlm_head"):
        load_model(str(tmp_path / "without"), mlm=True)


@pytest.mark.parametrize("named", ["BertForPreTraining", "BertForMaskedLM", "BertForNextSentencePrediction"])
@pytest.mark.parametrize("mlm", [False, True])
def test_a_bert_comes_with_all_the_heads_that_its_weights_carry(make, batch, tokenizer, tmp_path, named, mlm):
    """Multilingual BERT names its masked-LM head alone and carries both; taken at its word it would lose one."""
    model = make("bert", "ForPreTraining")
    save_model(model, tokenizer, tmp_path)
    _name(tmp_path, named)
    again = load_model(str(tmp_path), mlm=mlm)
    assert type(again).__name__ == "BertForPreTraining"
    assert load_config(str(tmp_path)).architectures == ["BertForPreTraining"]
    for name in ("prediction_logits", "seq_relationship_logits"):
        torch.testing.assert_close(again(**batch)[name], model(**batch)[name], rtol=0, atol=0)


def test_a_bert_without_a_head_that_it_names_is_what_its_weights_are(make, batch, tokenizer, tmp_path):
    """A next-sentence head made up at random judges pairs as if it had been trained to."""
    for head, expected in (("ForMaskedLM", "BertForMaskedLM"), ("", "BertModel")):
        model = make("bert", head)
        save_model(model, tokenizer, tmp_path / expected)
        _name(tmp_path / expected, "BertForPreTraining")
        again = load_model(str(tmp_path / expected))
        assert type(again).__name__ == expected
        torch.testing.assert_close(again(**batch)[0], model(**batch)[0], rtol=0, atol=0)


def test_a_damaged_file_does_not_stop_a_plan_but_its_loading(make, tokenizer, tmp_path):
    """Which heads there are cannot be read, and the sentence about it belongs to the weights."""
    save_model(make("bert", "ForPreTraining"), tokenizer, tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 40)
    assert load_config(str(tmp_path)).architectures == ["BertForPreTraining"]
    with pytest.raises(ModelError, match=r"model\.safetensors cannot be read"):
        load_model(str(tmp_path))


def _name(folder, architecture):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architectures": [architecture]}))


def test_an_electra_discriminator_is_a_bare_encoder(config_of, batch, tokenizer, tmp_path):
    """Its head tells real tokens from replaced ones, which no step here reads."""
    model = transformers.ElectraForPreTraining(config_of("electra")).eval()
    save_model(model, tokenizer, tmp_path)
    again = load_model(str(tmp_path))
    assert type(again).__name__ == "ElectraModel"
    expected = model.electra(**batch).last_hidden_state
    torch.testing.assert_close(again(**batch).last_hidden_state, expected, rtol=0, atol=0)


def test_a_pooler_that_was_not_trained_is_left_out(make, tokenizer, tmp_path):
    """Left to itself, transformers makes a pooler up at random and says so where nobody reads it."""
    model = make("bert")
    model.pooler = None
    save_model(model, tokenizer, tmp_path)
    assert load_model(str(tmp_path)).pooler is None


def test_labels_give_a_new_classifier_that_follows_the_seed(make, family, tokenizer, tmp_path):
    """Arms that start from different classifiers do not compare teachers."""
    save_model(make(family), tokenizer, tmp_path)
    classifiers = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        model = load_model(str(tmp_path), head="tags", labels=["O", "B-X", "I-X"])
        classifiers.append(torch.cat([p.flatten() for name, p in model.named_parameters() if "classifier" in name]))
    assert torch.equal(classifiers[0], classifiers[1])
    assert not torch.equal(classifiers[0], classifiers[2])
    assert model.config.id2label == {0: "O", 1: "B-X", 2: "I-X"}
    assert model.config.label2id == {"O": 0, "B-X": 1, "I-X": 2}
    assert model.num_labels == 3


@pytest.mark.parametrize(
    ("labels", "kept"),
    [(["O", "B-X"], True), (["B-X", "O"], False), (["O", "B-Y"], False), (["O", "B-X", "I-X"], False)],
)
def test_a_classifier_is_kept_only_for_the_same_labels(make, tokenizer, tmp_path, labels, kept):
    """Two classes that change places leave a classifier that is confidently wrong."""
    model = make("bert", "ForTokenClassification", id2label={0: "O", 1: "B-X"}, label2id={"O": 0, "B-X": 1})
    save_model(model, tokenizer, tmp_path)
    again = load_model(str(tmp_path), head="tags", labels=labels)
    same = again.classifier.weight.shape == model.classifier.weight.shape
    assert (same and torch.equal(again.classifier.weight, model.classifier.weight)) == kept


def test_random_weights_in_the_same_architecture(make, family, batch, tokenizer, tmp_path):
    """The untrained encoder is the baseline that shows whether pretraining mattered at all."""
    model = make(family, "ForMaskedLM")
    save_model(model, tokenizer, tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.manual_seed(1)
    fresh = load_model(str(tmp_path), random=True)
    assert type(fresh) is type(model)
    assert fresh.state_dict().keys() == model.state_dict().keys()
    assert not torch.equal(fresh(**batch).logits, model(**batch).logits)
    torch.manual_seed(1)
    assert torch.equal(load_model(str(tmp_path), random=True)(**batch).logits, fresh(**batch).logits)
    assert load_model(str(tmp_path), random=True, head="tags", labels=["O", "B-X"]).num_labels == 2


def test_a_classifier_missing_from_the_file_is_refused(make, tokenizer, tmp_path):
    """A fine-tuned model whose classifier is gone would be scored with a random one."""
    save_model(make("bert"), tokenizer, tmp_path)
    text = (tmp_path / "config.json").read_text().replace("BertModel", "BertForTokenClassification")
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ModelError, match=r"lacks classifier.bias, classifier.weight, which BertForTokenClass"):
        load_model(str(tmp_path))


def test_a_tokenizers_stored_truncation_is_switched_off(make, tokenizer, tmp_path):
    """Sentence encoders ship tokenizers that cut every text at 128 tokens without a word."""
    save_model(make("bert"), tokenizer, tmp_path)
    again = load_tokenizer(str(tmp_path))
    assert again("a b c a b c a")["input_ids"] == [5, 6, 7, 5, 6, 7, 5]
    assert len(again.backend_tokenizer.encode("a b c").ids) == 3


POLISH = ["zażółć gęślą jaźń", "chrząszcz brzmi w trzcinie", "gęś ma dobrą łąkę"] * 3
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


@pytest.mark.parametrize("named", ["HerbertTokenizerFast", "HerbertTokenizer"])
@pytest.mark.parametrize("files", ["as published", "tokenizer.json"])
def test_a_herbert_comes_with_its_tokenizer(make, named, files, tmp_path):
    """It is a BERT whose words end in </w>: taken for WordPiece, it would be unknown tokens from end to end."""
    backend = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.BpeTrainer(vocab_size=80, special_tokens=SPECIAL, end_of_word_suffix="</w>", show_progress=False)
    backend.train_from_iterator(POLISH, trainer)
    backend.model.save(str(tmp_path))  # vocab.json and merges.txt, as allegro/herbert-base-cased has them
    model = make("bert")
    model.save_pretrained(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": named}))
    loaded = load_tokenizer(str(tmp_path))
    if files == "tokenizer.json":
        save_model(model, loaded, tmp_path / "again")
        loaded = load_tokenizer(str(tmp_path / "again"))
    encoded = loaded("gęś brzmi źdźbła")
    tokens, words = loaded.convert_ids_to_tokens(encoded["input_ids"]), encoded.word_ids()
    assert tokens[:3] == ["<s>", "gęś</w>", "brzmi</w>"]
    assert tokens[-1] == "</s>"
    assert words[:4] == [None, 0, 1, 2]
    assert len(words) > 6
    assert [token.endswith("</w>") for token in tokens[3:-1]] == [False] * (len(words) - 5) + [True]
    assert loaded.mask_token_id == SPECIAL.index("<mask>")


def test_a_deberta_comes_with_its_tokenizer(make, tmp_path):
    """Its vocabulary of pieces is published in a format of its own; what we save has to do without that."""
    unigram = Tokenizer(models.Unigram())
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    unigram.train_from_iterator(
        POLISH, trainers.UnigramTrainer(vocab_size=60, special_tokens=special, unk_token="[UNK]", show_progress=False)
    )
    pieces = [tuple(piece) for piece in json.loads(unigram.to_str())["model"]["vocab"]]
    save_model(make("deberta-v2"), transformers.DebertaV2Tokenizer(vocab=pieces), tmp_path)
    loaded = load_tokenizer(str(tmp_path))
    encoded = loaded("gęś brzmi")
    assert loaded.decode(encoded["input_ids"], skip_special_tokens=True) == "gęś brzmi"
    assert loaded.convert_ids_to_tokens(encoded["input_ids"])[0] == "[CLS]"
    assert {number for number in encoded.word_ids() if number is not None} == {0, 1}


def test_pieces_that_cannot_be_read_name_what_is_missing(make, tmp_path, monkeypatch):
    """DeBERTa-v3 is published with spm.model alone, and transformers then asks for the wrong package."""
    make("deberta-v2").save_pretrained(tmp_path)
    (tmp_path / "spm.model").write_bytes(b"")
    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"to read spm\.model, the Python package sentencepiece has to be installed"):
        load_tokenizer(str(tmp_path))


@pytest.mark.parametrize("content", [None, "{", "{}"])
def test_a_model_without_a_fast_tokenizer_is_refused(make, tmp_path, content):
    """A tokenizer without vocabulary turns every text into unknown tokens."""
    make("bert").save_pretrained(tmp_path)
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(ModelError, match=r"has no fast tokenizer .*it needs a tokenizer\.json") as caught:
        load_tokenizer(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_the_configuration_of_a_model_still_to_be_made(make, family, tokenizer, tmp_path):
    """`plan` has to know a student's shape before anything is made."""
    model = make(family, "ForMaskedLM")
    save_model(model, tokenizer, tmp_path)
    config = load_config(str(tmp_path))
    outlines = {"@small": Outline(makes="model", model=config.to_dict()), "@later": Outline(makes="model")}
    assert model_config("@small", outlines).to_dict() == config.to_dict()
    assert model_config(str(tmp_path), outlines).to_dict() == config.to_dict()
    with pytest.raises(ModelError, match="the shape of @later is not known before it is made"):
        model_config("@later", outlines)


def test_an_albert_of_both_heads_fills_masks(config_of, batch, tokenizer, tmp_path):
    """ALBERT was pretrained with a head that orders sentences: read as a bare encoder, it would lose its words."""
    model = transformers.AlbertForPreTraining(config_of("albert", vocab_size=len(tokenizer))).eval()
    save_model(model, tokenizer, tmp_path)
    assert load_config(str(tmp_path)).architectures == ["AlbertForMaskedLM"]
    again = load_model(str(tmp_path))
    ids = {"input_ids": batch["input_ids"] % len(tokenizer), "attention_mask": batch["attention_mask"]}
    torch.testing.assert_close(again(**ids).logits, model(**ids).prediction_logits)
