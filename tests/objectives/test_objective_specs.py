"""What objectives ask for, refuse, count and sum."""

import math
import subprocess
import sys

import pytest
import torch
from pydantic import TypeAdapter

from limbeck.config import Config
from limbeck.errors import RecipeError
from limbeck.objectives import (
    MLM,
    AnyObjective,
    AttentionKL,
    AttentionMSE,
    HardLabels,
    HiddenCosine,
    HiddenMSE,
    NextSentence,
    Objective,
    RelationalAngles,
    RelationalDistances,
    RelationKL,
    SoftLabels,
)
from limbeck.signals import Batch, Needs, Outputs, Shape

TEACHER = Shape(layers=6, width=16, heads=4, vocabulary=50, positions=64)
STUDENT = Shape(layers=3, width=16, heads=4, vocabulary=50, positions=64)
NARROW = Shape(layers=3, width=8, heads=2, vocabulary=50, positions=64)


class Recipe(Config):
    objectives: list[AnyObjective]


def batch() -> Batch:
    """Ten tokens in three sequences, three of them labelled."""
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 0]])
    labels = torch.tensor([[-100, 2, -100, 0], [1, -100, -100, -100], [-100] * 4])
    return Batch(torch.arange(12).view(3, 4), mask, labels, pair_labels=torch.tensor([0, -100, 1]))


def outputs(layers: int, seed: int, grad: bool = False) -> Outputs:
    """Signals of a model of `layers` layers, all of them."""
    torch.manual_seed(seed)
    return Outputs(
        hidden={i: torch.randn(3, 4, 16, requires_grad=grad) for i in range(layers + 1)},
        queries={i: torch.randn(3, 4, 4, 4, requires_grad=grad) for i in range(1, layers + 1)},
        keys={i: torch.randn(3, 4, 4, 4, requires_grad=grad) for i in range(1, layers + 1)},
        values={i: torch.randn(3, 4, 4, 4, requires_grad=grad) for i in range(1, layers + 1)},
        scales=dict.fromkeys(range(1, layers + 1), 0.5),
        logits=torch.randn(3, 4, 50, requires_grad=grad),
        pair_logits=torch.randn(3, 2, requires_grad=grad),
    )


ALL = [
    SoftLabels(),
    SoftLabels(positions="all"),
    SoftLabels(loss="mse"),
    HiddenMSE(),
    HiddenCosine(),
    AttentionMSE(),
    AttentionMSE(of="scores"),
    AttentionKL(),
    RelationKL(of="queries", heads=8),
    RelationKL(of="keys"),
    RelationKL(of="values"),
    RelationalDistances(),
    RelationalAngles(),
    MLM(),
    NextSentence(),
    HardLabels(),
]


def name(objective: Objective) -> str:
    """An id for parametrised tests."""
    told = objective.model_dump(include={"positions", "loss", "of"}, exclude_defaults=True)
    return "-".join([objective.kind, *told.values()])


class TestNeeds:
    def test_last_pair(self):
        """The published Swedish code matched layer 11 and so never trained the student's last block."""
        assert HiddenMSE().needs(STUDENT, TEACHER) == (
            Needs(hidden=frozenset({3})),
            Needs(hidden=frozenset({6})),
        )

    def test_explicit_pairs(self):
        """What is not named must not be computed."""
        ours, theirs = AttentionMSE(layers=[(1, 2), (3, 6)]).needs(STUDENT, TEACHER)
        assert (ours, theirs) == (Needs(attention=frozenset({1, 3})), Needs(attention=frozenset({2, 6})))

    @pytest.mark.parametrize("objective", [MLM(), HardLabels()])
    def test_labels_need_no_teacher(self, objective):
        """A teacher that runs without being read costs more than the student."""
        assert objective.needs(STUDENT, None) == (Needs(logits="selected"), Needs())
        assert not objective.uses_teacher

    def test_pairs_alone_read_no_vocabulary(self):
        """A projection onto the vocabulary that a loss on pairs never looks at was half of its cost."""
        assert NextSentence().needs(STUDENT, None) == (Needs(pairs=True), Needs())
        both = Needs(logits="selected") | Needs(pairs=True)
        assert (both.logits, both.pairs, both.reads_a_head) == ("selected", True, True)
        assert not Needs(hidden=frozenset({3})).reads_a_head

    def test_soft_labels_at_selected_positions_by_default(self):
        """Logits at every position over a vocabulary are most of the work of an update."""
        assert SoftLabels().needs(STUDENT, TEACHER)[0] == Needs(logits="selected")


class TestCheck:
    @pytest.mark.parametrize("objective", [HiddenMSE(), HiddenCosine()])
    def test_width(self, objective):
        """Tensors of different width fail deep inside torch, an hour later, with no hint."""
        with pytest.raises(RecipeError, match=r"same width; the student has 8 and the teacher 16; learn a map"):
            objective.check(NARROW, TEACHER)

    def test_heads(self):
        """Maps of different heads would broadcast into nonsense where one model has a single head."""
        with pytest.raises(RecipeError, match=r"same heads; the student has 2 and the teacher 4"):
            AttentionMSE().check(NARROW, TEACHER)

    @pytest.mark.parametrize("objective", [AttentionKL(), RelationKL(of="values")])
    def test_heads_of_other_widths(self, objective):
        """Divergences may cross widths, but not numbers of heads."""
        with pytest.raises(RecipeError, match=r"same heads; the student has 2 and the teacher 4; .*heads: "):
            objective.check(NARROW, TEACHER)
        RelationKL(of="values", heads=4).check(NARROW, TEACHER)

    def test_relation_heads_divide_both_widths(self):
        """A reshape that fails in the first update is an hour after the recipe was read."""
        with pytest.raises(RecipeError, match=r"into 16 relation heads, which do not divide the student's width of 8"):
            RelationKL(of="keys", heads=16).check(NARROW, TEACHER)

    @pytest.mark.parametrize("objective", [RelationalDistances(), RelationalAngles()])
    def test_geometry_crosses_widths(self, objective):
        """Students of another width are what these are for."""
        objective.check(NARROW, TEACHER)

    @pytest.mark.parametrize("objective", [o for o in ALL if o.uses_teacher], ids=name)
    def test_vocabulary(self, objective):
        """With two tokenizers, position 5 is another word in each model: everything runs, nothing is learnt."""
        other = Shape(layers=6, width=16, heads=4, vocabulary=70, positions=64)
        with pytest.raises(RecipeError, match=r"same vocabulary; the student has 50 and the teacher 70; give both"):
            objective.check(STUDENT, other)

    def test_no_teacher(self):
        """A control that silently dropped its teacher objectives would look like a distillation."""
        with pytest.raises(RecipeError, match='"soft_labels" compares with a teacher and this step has none'):
            SoftLabels().check(STUDENT, None)
        MLM().check(STUDENT, None)

    @pytest.mark.parametrize(
        ("objective", "sentence"),
        [
            (HiddenMSE(layers=[(4, 6)]), "matches layer 4 of the student, whose layers with hidden states are 0 to 3"),
            (HiddenMSE(layers=[(3, 7)]), "matches layer 7 of the teacher, whose layers with hidden states are 0 to 6"),
            (AttentionMSE(layers=[(0, 1)]), "matches layer 0 of the student, whose layers with attention are 1 to 3"),
            (HiddenCosine(layers=[(-1, 6)]), "matches layer -1 of the student"),
        ],
    )
    def test_layer_out_of_range(self, objective, sentence):
        """Python would read layer -1 as the last one and match the wrong pair in silence."""
        with pytest.raises(RecipeError, match=sentence):
            objective.check(STUDENT, TEACHER)


class TestTotals:
    def test_counts_are_of_the_unit(self):
        """A count of the wrong unit scales the term by the share of padding or of masking."""
        counts = {name(objective): objective.count(batch()) for objective in ALL}
        assert {kind: count for kind, count in counts.items() if count != 10} == {
            "soft_labels": 3,
            "soft_labels-mse": 3,
            "relational_distances": 6,
            "relational_angles": 6,
            "mlm": 3,
            "next_sentence": 2,
            "hard_labels": 3,
        }

    def test_only_labelled_pairs_are_judged(self):
        """A sequence that is no pair would teach that it goes on."""
        ours = Outputs(pair_logits=torch.tensor([[2.0, 0.0], [9.0, -9.0], [0.0, 0.0]], requires_grad=True))
        total = NextSentence().total(ours, None, batch())
        assert total.item() == pytest.approx(math.log1p(math.exp(-2)) + math.log(2))
        total.backward()
        assert not ours.pair_logits.grad[1].any()

    def test_last_is_the_deepest_pair(self):
        """A "last" that resolved to another layer than `needs` asked for would train the wrong one."""
        ours, theirs = outputs(3, 0), outputs(6, 1)
        for kind in (HiddenMSE, HiddenCosine, AttentionMSE, AttentionKL, RelationalAngles):
            named = kind(layers=[(3, 6)]).total(ours, theirs, batch())
            assert kind().total(ours, theirs, batch()).item() == named.item()

    def test_pairs_are_averaged(self):
        """A sum over pairs would make a longer list of layers a heavier objective."""
        ours, theirs = outputs(3, 0), outputs(6, 1)
        single = [HiddenMSE(layers=[pair]).total(ours, theirs, batch()).item() for pair in ((0, 0), (3, 6))]
        both = HiddenMSE(layers=[(0, 0), (3, 6)]).total(ours, theirs, batch()).item()
        assert both == pytest.approx(sum(single) / 2)

    @pytest.mark.parametrize("objective", ALL, ids=name)
    def test_teacher_signals_may_be_saved_for_the_backward_pass(self, objective):
        """Tensors made in inference mode cannot be, and would stop the first update."""
        ours = outputs(3, 0, grad=True)
        with torch.no_grad():
            theirs = outputs(6, 1)
        total = objective.total(ours, theirs if objective.uses_teacher else None, batch())
        total.backward()
        assert total.dim() == 0
        assert total.item() > 0

    @pytest.mark.parametrize("objective", [SoftLabels(), MLM()], ids=name)
    def test_selected_logits_equal_all_logits(self, objective):
        """Another objective may ask for all logits; this one must still read its own positions."""
        ours, theirs = outputs(3, 0), outputs(6, 1)
        rows = batch().labels != -100
        few = objective.total(Outputs(logits=ours.logits[rows]), Outputs(logits=theirs.logits[rows]), batch())
        assert few.item() == objective.total(ours, theirs, batch()).item()


class TestRecipe:
    def test_round_trip(self):
        """A recipe that resolves to other objectives than it names is not reproducible."""
        value = {"objectives": [{"kind": "soft_labels", "temperature": 4.0}, {"kind": "mlm", "weight": 2.0}]}
        recipe = Recipe.parse(value, "recipe")
        assert recipe.objectives == [SoftLabels(temperature=4), MLM(weight=2)]
        assert Recipe.parse(recipe.model_dump(mode="json"), "recipe") == recipe

    def test_pairs_are_read_from_lists(self):
        """YAML has no tuples."""
        objective = TypeAdapter(AnyObjective).validate_python({"kind": "hidden_mse", "layers": [[0, 0], [3, 6]]})
        assert objective == HiddenMSE(layers=[(0, 0), (3, 6)])

    @pytest.mark.parametrize(
        ("objective", "sentence"),
        [
            ({"kind": "hiden_mse"}, 'unknown kind "hiden_mse"; did you mean "hidden_mse"'),
            ({"kind": "mlm", "weight": 0}, "greater than 0"),
            ({"kind": "soft_labels", "temperature": -1}, "greater than 0"),
            ({"kind": "hidden_mse", "layer": "last"}, 'unknown field "layer"; did you mean "layers"'),
            ({"kind": "hidden_mse", "layers": []}, "at least 1 item"),
        ],
    )
    def test_mistakes_are_refused(self, objective, sentence):
        """A misspelt objective that is ignored trains something else for days."""
        with pytest.raises(RecipeError, match=sentence):
            Recipe.parse({"objectives": [objective]}, "recipe")

    def test_specs_load_without_torch(self):
        """`limbeck plan` of a wrong recipe must answer at once, not after importing torch."""
        code = (
            "import sys, limbeck.objectives, limbeck.teachers;"
            "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
