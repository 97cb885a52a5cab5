import pytest

from limbeck.errors import RecipeError
from limbeck.models.slimming import Importance, Slimming
from limbeck.models.widths import Widths, set_widths, widths_of

MINILM = Widths(width=384, heads=12, feed_forward=1536, embeddings=384)
SMALL_ELECTRA = Widths(width=256, heads=4, feed_forward=1024, embeddings=128)
TEXT = {"corpus": "@text"}


def _slimming(**fields):
    return Slimming.parse({"importance": TEXT, **fields}, "small")


def test_heads_follow_from_the_width():
    """Transformers divides the width by the heads, so any other number of them would be heads of another size."""
    after = _slimming(width=256, feed_forward="half").widths(MINILM, "bert")
    assert after == Widths(width=256, heads=8, feed_forward=768, embeddings=256)
    assert after.head_size == MINILM.head_size == 32


def test_sentences():
    """`plan` prints them; a wrong one is believed."""
    both = _slimming(width="half", feed_forward=512).widths_sentence(MINILM, "bert")
    assert both == "width 384 becomes 192 (6 of 12 heads), 1,536 feed-forward units become 512"
    narrow = _slimming(embeddings=64).widths_sentence(SMALL_ELECTRA, "electra")
    assert narrow == "embeddings of 128 become 64, projected"
    assert _slimming(width=384).widths_sentence(MINILM, "bert") == "is as wide as it was"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"width": 250}, r"width: heads keep their size of 32, .*found 250, the nearest possible: 224 and 256"),
        ({"width": 20}, r"found 20, the nearest possible: 32$"),
        ({"width": 416}, r"width: the model has 384, and what is cut out of it cannot have more; found 416"),
        ({"feed_forward": 2000}, r"feed_forward: the model has 1,536, .* found 2,000"),
        (
            {"embeddings": 128},
            r'embeddings: only in an ELECTRA or .*found a model of type "bert": leave it out, and use',
        ),
    ],
)
def test_what_cannot_be_loaded_is_refused(fields, message):
    """A width that the heads do not divide is found out by transformers, after the work."""
    with pytest.raises(RecipeError, match=message):
        _slimming(**fields).widths(MINILM, "bert")


def test_embeddings_of_an_albert():
    """Its projection is always there, so embeddings as wide as the layers have a place."""
    base = Widths(width=768, heads=12, feed_forward=3072, embeddings=128)
    assert _slimming(width="half").widths(base, "albert") == Widths(384, 6, 3072, 128)
    assert _slimming(width=128).widths(base, "albert") == Widths(128, 2, 3072, 128)
    assert _slimming(width=64, embeddings="half").widths(base, "albert") == Widths(64, 1, 3072, 64)
    narrow = _slimming(width=64, embeddings="half").widths_sentence(base, "albert")
    assert narrow == "width 768 becomes 64 (1 of 12 heads), embeddings of 128 become 64, projected"


def test_embeddings_of_an_electra():
    """Where both are equally wide, transformers makes no projection, and the weights would have no place."""
    assert _slimming(width=192).widths(SMALL_ELECTRA, "electra").embeddings == 128
    with pytest.raises(
        RecipeError, match=r"both 128 wide has no projection between them, which this one needs; choose another"
    ):
        _slimming(width=128).widths(SMALL_ELECTRA, "electra")
    shared = Widths(width=768, heads=12, feed_forward=3072, embeddings=768)
    assert _slimming(width=512).widths(shared, "electra").embeddings == 512
    assert _slimming(embeddings=128).widths(shared, "electra") == Widths(768, 12, 3072, 128)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"width": 256}, r'small: "width" leaves out .* no text is named; add importance: \{corpus: "@text"\}'),
        ({"importance": TEXT}, r'small: "importance" is measured and nothing is cut by it; give "width"'),
        ({"width": 0, "importance": TEXT}, r"small\.width: "),
        ({"width": "third", "importance": TEXT}, r"small\.width: "),
        ({"width": 256, "importance": {"corpus": "text"}}, r"small\.importance\.corpus: 'text' should refer to an"),
        ({"width": 256, "importance": {**TEXT, "by": "loss"}}, r"small\.importance\.by: .*found 'loss'"),
    ],
)
def test_a_slimming_that_means_nothing_is_refused(fields, message):
    """A mistake that is not refused at once is found in the results, or never."""
    with pytest.raises(RecipeError, match=message):
        Slimming.parse(fields, "small")


def test_how_it_is_measured():
    """The gradient of a loss that a model does not have is the gradient of something else."""
    left_open, gradient = Importance.parse(TEXT, "x"), Importance.parse({**TEXT, "by": "gradient"}, "x")
    assert [left_open.measured_by(fills_masks) for fills_masks in (True, False)] == ["gradient", "activation"]
    assert gradient.measured_by(fills_masks=True) == "gradient"
    with pytest.raises(RecipeError, match="this model has no masked-LM head; leave out by: gradient, or give"):
        gradient.measured_by(fills_masks=False)


def test_configurations_name_their_widths(config_of, family):
    """DistilBERT has names of its own; what is set under another name is ignored without an error."""
    config = config_of(family)
    narrow = Widths(8, 1, 12, 4 if family in ("electra", "albert") else 8)
    assert widths_of(config) == Widths(16, 2, 24, 8 if family in ("electra", "albert") else 16)
    set_widths(config, narrow)
    assert widths_of(config) == widths_of(type(config).from_dict(config.to_dict())) == narrow
