"""Everything a run needs, made offline in a second: a text, a tokenizer, a BERT of width 32, tagged sentences."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

_TEXT = """
    the a this that one small large old new green heavy quick quiet river house garden letter window table road
    market winter summer morning engine bridge teacher farmer doctor child story bread water paper stone music
    forest carries opens paints finds sells keeps builds reads follows under over near behind after before with
    without and but slowly often never always again today there here who which because while every other many few
"""
WORDS = _TEXT.split()
SYLLABLES = ["al", "bre", "cor", "dun", "el", "far", "gol", "hem", "ir", "jor", "kel", "lor", "nov", "or", "pel"]
PERSON, PLACE = "Mac", "Kil"
LABELS = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
ENVIRONMENT = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "200"}


class World:
    """A folder with `model`, `text.txt`, `train.iob`, `test.iob`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = folder / "model"
        self.text = folder / "text.txt"
        self.train = folder / "train.iob"
        self.test = folder / "test.iob"

    @property
    def data(self) -> dict[str, Any]:
        """The `data:` of a finetune step."""
        return {"kind": "iob", "train": str(self.train), "test": str(self.test)}

    def recipe(self, *names: str) -> dict[str, Any]:
        """A whole run, or the steps `names` of it with what they rest on."""
        steps = self._steps()
        wanted = set(names or steps)
        for name in reversed(steps):
            if name in wanted:
                wanted |= {other for other in steps if f'"@{other}"' in json.dumps(steps[name])}
        return {
            "name": "tiny",
            "engine": {"kind": "single", "checkpoint_seconds": 0},
            "steps": {name: step for name, step in steps.items() if name in wanted},
        }

    def _steps(self) -> dict[str, dict[str, Any]]:
        training = {"updates": 20, "batch": 8, "precision": "float32"}
        text = {**training, "corpus": "@text", "length": 32, "learning_rate": 1e-3}
        task = {"do": "finetune", "data": self.data, "updates": 30, "batch": 8, "precision": "float32", "length": 48}
        task |= {"stride": 8, "learning_rate": 5e-3}
        tagged = {name: f"@{name}_ner" for name in ("teacher", "student", "control", "truncated")}
        return {
            "text": {
                "do": "corpus",
                "sources": [{"kind": "text", "path": str(self.text), "documents": "line"}],
                "holdout": {"dev": 0.1},
                "language": "en",
            },
            "small": {"do": "shrink", "model": str(self.model), "layers": {"keep": 2, "from": "bottom"}},
            "student": {
                **text,
                "do": "distil",
                "teacher": str(self.model),
                "student": "@small",
                "method": "lightmbert",
            },
            "control": {**text, "do": "pretrain", "model": "@small"},
            "teacher_ner": {**task, "model": str(self.model)},
            "student_ner": {**task, "model": "@student", "teacher": "@teacher_ner", "seeds": [1, 2]},
            "control_ner": {**task, "model": "@control"},
            "truncated_ner": {**task, "model": "@small"},
            "scores": {"do": "evaluate", "models": tagged, "resamples": 1000, "language": "en"},
            "speed": {
                "do": "benchmark",
                "models": {name: tagged[name] for name in ("teacher", "student")},
                "lengths": [16],
                "batches": [1],
                "rounds": 3,
                "seconds": 1.0,
                "mixed": False,
            },
            "bound": {"do": "gate", "speed": "@speed", "maximum_parameters": 1_000_000},
            "ship": {"do": "export", "model": "@student_ner", "corpus": "@text", "texts": 20},
        }


def write_recipe(folder: Path, recipe: Any, name: str = "tiny.yaml") -> Path:
    """A recipe as a file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(recipe if isinstance(recipe, str) else yaml.safe_dump(recipe, sort_keys=False), "utf-8")
    return path


def flip_bit(path: Path, place: int = -1) -> None:
    """Damage that no size shows, in one byte."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def limbeck(*arguments: object, cwd: Path) -> subprocess.Popen[str]:
    """The command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "limbeck", *map(str, arguments)],
        cwd=cwd,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def build(folder: Path) -> World:
    """Makes the world in `folder`."""
    world = World(folder)
    random_ = random.Random(0)
    sentences = [sentence(random_) for _ in range(400)]
    world.text.write_text("\n".join(sentences) + "\n", "utf-8")
    world.train.write_text(tagged_sentences(200, random.Random(1)), "utf-8")
    world.test.write_text(tagged_sentences(60, random.Random(2)), "utf-8")
    save_model(world.model, [*sentences, *names(random_, 200)])
    return world


def sentence(random_: random.Random) -> str:
    """Ten to eighteen words in no particular order: no two sentences are near each other."""
    return " ".join(random_.choices(WORDS, k=random_.randint(10, 18))) + "."


def tagged_sentences(count: int, random_: random.Random) -> str:
    """Names that stand nowhere else, in IOB; how a name begins says whether it is a person or a place."""
    lines = []
    for name in names(random_, count):
        before, after = (random_.choices(WORDS, k=random_.randint(2, 6)) for _ in range(2))
        kind = "PER" if name.startswith(PERSON) else "LOC"
        words = [*before, *name.split(), *after]
        first = len(before)
        tags = ["O"] * len(words)
        tags[first : first + 2] = [f"B-{kind}", f"I-{kind}"]
        lines += [f"{word}\t{tag}" for word, tag in zip(words, tags, strict=True)]
        lines.append("")
    return "\n".join(lines) + "\n"


def names(random_: random.Random, count: int) -> list[str]:
    """Two words each, alike in their beginning."""

    def word(beginning: str) -> str:
        return beginning + "".join(random_.choices(SYLLABLES, k=2))

    beginnings = random_.choices([PERSON, PLACE], k=count)
    return [f"{word(beginning)} {word(beginning)}" for beginning in beginnings]


def save_model(folder: Path, texts: list[str], **changes: Any) -> None:
    """A BERT of four layers and random weights, with a WordPiece tokenizer trained on `texts`."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from tokenizers.processors import BertProcessing
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = BertWordPieceTokenizer(lowercase=True)
    words.train_from_iterator(texts, vocab_size=300, min_frequency=1, show_progress=False)
    ends = [(mark, words.token_to_id(mark)) for mark in ("[SEP]", "[CLS]")]
    words.post_processor = BertProcessing(*ends)
    special = {f"{name}_token": f"[{name.upper()}]" for name in ("unk", "sep", "pad", "cls", "mask")}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words._tokenizer, model_max_length=64, **special)
    shape = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 64}
    settings = {
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 64,
        "initializer_range": 0.1,
        **shape,
        **changes,
    }
    torch.manual_seed(0)
    BertModel(BertConfig(**settings)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
