import pytest
import torch
import transformers

from limbeck.errors import ModelError
from limbeck.models.distilbert import as_distilbert, distilbert_config
from limbeck.models.heads import described
from limbeck.models.surgery import keep_layers


@pytest.mark.parametrize("head", ["", "ForMaskedLM", "ForTokenClassification"])
def test_outputs_are_those_of_the_bert(make, batch, tmp_path, head):
    """Token types left out, or one layer's weights in another's place, would cost the student its start."""
    bert = make("bert", head)
    expected = bert(**batch)[0]
    model = as_distilbert(bert)
    assert type(model).__name__ == type(bert).__name__.replace("Bert", "DistilBert")
    attended = batch["attention_mask"].bool()
    torch.testing.assert_close(model(**batch)[0][attended], expected[attended], rtol=0, atol=1e-5)
    model.save_pretrained(tmp_path)
    again = getattr(transformers, f"AutoModel{head}").from_pretrained(tmp_path).eval()
    torch.testing.assert_close(again(**batch)[0], model(**batch)[0], rtol=0, atol=1e-6)


def test_a_truncated_bert_keeps_its_outputs(make, batch):
    """DistilBERT's own recipe cuts first and converts then."""
    cut = keep_layers(make("bert"), [1, 3])
    torch.testing.assert_close(as_distilbert(cut)(**batch)[0], cut(**batch)[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("head", "made"), [("ForPreTraining", "DistilBertForMaskedLM"), ("ForNextSentencePrediction", "DistilBertModel")]
)
def test_judging_pairs_is_left_behind(make, batch, head, made):
    """DistilBERT has no pooler: a head over one would come back made up at random when the folder is loaded."""
    bert = make("bert", head)
    model = as_distilbert(bert)
    assert type(model).__name__ == made
    assert distilbert_config(described(bert)).architectures == [made]
    attended = batch["attention_mask"].bool()
    expected = bert(**batch)[0] if made.endswith("LM") else bert.bert(**batch)[0]
    torch.testing.assert_close(model(**batch)[0][attended], expected[attended], rtol=0, atol=1e-5)


def test_the_bert_is_left_as_it_was(make, batch):
    """The teacher of the student being made must not change with it."""
    bert = make("bert")
    before = {name: tensor.clone() for name, tensor in bert.state_dict().items()}
    model = as_distilbert(bert)
    assert all(torch.equal(before[name], tensor) for name, tensor in bert.state_dict().items())
    assert not {p.data_ptr() for p in model.parameters()} & {p.data_ptr() for p in bert.parameters()}


def test_labels_and_the_tied_decoder_come_along(make):
    """A classifier whose classes lost their names cannot be scored."""
    bert = make("bert", "ForTokenClassification", id2label={0: "O", 1: "B-X"}, label2id={"O": 0, "B-X": 1})
    assert as_distilbert(bert).config.id2label == {0: "O", 1: "B-X"}
    mlm = as_distilbert(make("bert", "ForMaskedLM"))
    assert mlm.vocab_projector.weight is mlm.distilbert.embeddings.word_embeddings.weight


@pytest.mark.parametrize("other", ["distilbert", "roberta", "electra", "deberta-v2"])
def test_only_a_bert_becomes_a_distilbert(make, other):
    """RoBERTa numbers its positions differently: its weights would fit and its outputs would not."""
    with pytest.raises(ModelError, match="only a BERT can become a DistilBERT; found "):
        as_distilbert(make(other))


def test_a_head_that_distilbert_does_otherwise_is_refused(make):
    """DistilBERT classifies sequences without BERT's pooler, so the trained head would mean something else."""
    with pytest.raises(ModelError, match=r"found BertForSequenceClassification, use one of BertModel"):
        as_distilbert(make("bert", "ForSequenceClassification"))


def test_another_epsilon_is_refused(make):
    """DistilBERT's epsilon is fixed in its code: small hidden states would be normalised differently."""
    with pytest.raises(ModelError, match=r"epsilon of 1e-12, this BERT with 1e-05"):
        as_distilbert(make("bert", layer_norm_eps=1e-5))
