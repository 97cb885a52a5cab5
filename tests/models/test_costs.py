import pytest

from limbeck.models.costs import Work, text_work, training_flops, training_outline
from limbeck.models.counting import flops_per_token, longest_sequence
from limbeck.models.heads import fills_masks, masked_lm_config
from limbeck.models.task_heads import task_config
from limbeck.outlines import Outline
from limbeck.signals import Needs

SELECTED, ALL = Needs(logits="selected"), Needs(logits="all")


def _corpus(**fields):
    return Outline(makes="corpus", **fields)


def test_a_token_costs_three_passes_of_the_student_and_one_of_the_teacher(config_of):
    """By hand: layers of width 16, inner 24, at length 10."""
    student, teacher = config_of("bert", num_hidden_layers=1), config_of("bert", num_hidden_layers=3)
    layer = 2 * (4 * 16 * 16 + 2 * 16 * 24) + 4 * 10 * 16
    assert training_flops(student, 7, 10) == 7 * 3 * layer
    assert training_flops(student, 7, 10, teachers=[teacher]) == 7 * (3 * layer + 3 * layer)


def test_logits_cost_where_they_are_read(config_of):
    """At a vocabulary of 100,000 the projection is most of the work."""
    config = masked_lm_config(config_of("bert"))
    none, few, every = (
        training_flops(config, 1, 8, needs=(needs, Needs()), labelled=0.25) for needs in (Needs(), SELECTED, ALL)
    )
    head = 2 * (16 * 16 + 16 * 60)
    assert few - none == pytest.approx(3 * 0.25 * head)
    assert every - none == pytest.approx(3 * head)
    taught = training_flops(config, 1, 8, needs=(Needs(), ALL), teachers=[config])
    assert taught == pytest.approx(none + flops_per_token(config, 8, 1.0))


def test_work_on_a_corpus_whose_documents_are_known():
    """By hand: 100 documents of 40 tokens; of 300, in three pieces of 100."""
    assert text_work(5, None, 8, 128, _corpus(tokens=4000.0, documents=100)) == Work(5, 5 * 8 * 40, 40, 128)
    assert text_work(None, 2, 8, 128, _corpus(tokens=30_000.0, documents=100)) == Work(75, 60_000, 100, 128)


def test_work_on_a_corpus_that_is_not_made():
    """What nobody knows yet is not given as a number."""
    assert text_work(5, None, 8, 128, _corpus()) == Work(5, 5 * 8 * 128, 128, 128)
    assert text_work(None, 2, 8, 128, _corpus()) == Work(None, None, 128, 128)
    assert text_work(None, 0.001, 8, 128, _corpus(tokens=10.0)).updates == 1


def test_the_outline_grows_with_what_it_describes(config_of):
    """Memory that forgets the teacher or the batch is exceeded in the middle of a run."""
    config, work = config_of("bert"), Work(10, 1000.0, 10, 40)
    plain = training_outline(config, work, 4)
    assert plain.memory_bytes < training_outline(config, work, 8).memory_bytes
    assert training_outline(config, work, 4, teachers=[config]).memory_bytes == plain.memory_bytes + plain.disk_bytes
    assert training_outline(config, work, 4, members=3).disk_bytes == 3 * plain.disk_bytes == 12 * plain.parameters
    assert training_outline(config, Work(None, None, 10, 40), 4).flops is None
    assert training_outline(config, work, 4, needs=(ALL, Needs())).memory_bytes > plain.memory_bytes


def test_attention_that_is_not_fused_takes_memory(config_of):
    """DeBERTa-v2 keeps maps of every token by every token: twice the length is four times the maps."""
    short, long = (
        training_outline(config_of("deberta-v2"), Work(10, 1000.0, 10, length), 1).memory_bytes for length in (10, 20)
    )
    flat = (
        training_outline(config_of("electra"), Work(10, 1000.0, 10, 20), 1).memory_bytes
        - training_outline(config_of("electra"), Work(10, 1000.0, 10, 10), 1).memory_bytes
    )
    assert long - short == flat + 4 * 4 * 10 * 2 * (20**2 - 10**2)


@pytest.mark.parametrize("labels", [(), ("O", "B-X", "I-X")])
def test_a_tagger_keeps_its_shape(make, family, labels, config_of):
    """A forecast of the wrong architecture counts another model's parameters."""
    config = task_config(config_of(family), "tags", labels)
    assert config.architectures[0].endswith("ForTokenClassification")
    outline = training_outline(config, Work(1, 1.0, 8, 8), 1)
    model = make(family, "ForTokenClassification", num_labels=len(labels) or 2)
    assert outline.parameters == sum(parameter.numel() for parameter in model.parameters())


def test_sequences_fit_every_model(config_of):
    """RoBERTa's positions begin after the padding token's."""
    assert longest_sequence(512, config_of("bert"), config_of("roberta")) == 38
    assert longest_sequence(20, config_of("bert")) == 20


def test_who_fills_masks(config_of):
    """A preset that reads logits has to be refused before the teacher is loaded."""
    config = config_of("bert")
    assert not fills_masks(config)
    assert fills_masks(masked_lm_config(config))
