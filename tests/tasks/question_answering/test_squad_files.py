import gzip
import json

import pytest
from pydantic import TypeAdapter

from limbeck.errors import DataError
from limbeck.tasks.question_answering.question import Question
from limbeck.tasks.question_answering.question_data import Squad, SquadHub, load
from limbeck.tasks.question_answering.squad_files import read_squad
from limbeck.tasks.sources import Cut

TEXT = "Anna flew to Åre 🙂. Bo stayed in Åre."


def _asked(*answers, **more):
    given = [{"text": text, "answer_start": start} for text, start in answers]
    return {"id": "q", "question": "Who?", "answers": given, **more}


def _whole(count=20):
    """Questions whose only answer stands where it should."""
    return [_asked(("Anna", 0), id=f"good{number}") for number in range(count)]


def test_both_versions_by_hand(squad_file):
    """Version 2 read as version 1 asks for answers that are not there."""
    path = squad_file(
        (TEXT, [_asked(("Anna", 0), ("Bo", 20)), _asked(is_impossible=True, id="2")]),
        ("Cy ran.", [_asked(("Cy", 0), is_impossible=False, id=3)]),
        title="People",
    )
    assert read_squad(path) == (
        [
            Question("Who?", TEXT, (("Anna", 0), ("Bo", 20)), "q", "People"),
            Question("Who?", TEXT, (), "2", "People"),
            Question("Who?", "Cy ran.", (("Cy", 0),), "3", "People"),
        ],
        (),
    )
    assert [question.impossible for question in read_squad(path)[0]] == [False, True, False]


def test_fields_of_other_sets_are_left_alone(squad_file):
    """PoQuAD has answers that are only plausible, and answers in other words; neither is a stretch to be learned."""
    plausible = {"text": "Bo", "answer_start": 20, "answer_end": 22, "generative_answer": "it was Bo"}
    answer = {"text": "Anna", "answer_start": 0, "answer_end": 4, "generative_answer": "Anna did"}
    path = squad_file(
        (
            TEXT,
            [
                {"id": 1, "question": "Who?", "is_impossible": False, "answers": [answer]},
                {"id": 2, "question": "Who?", "is_impossible": True, "plausible_answers": [plausible]},
                {"id": 3, "question": "Who?", "is_impossible": True, "answers": [plausible]},
            ],
        )
    )
    assert [question.answers for question in read_squad(path)[0]] == [(("Anna", 0),), (), ()]


@pytest.mark.parametrize("name", ["x.json", "x.json.gz", "x.jsonl", "x.jsonl.gz"])
def test_every_form_reads_the_same(tmp_path, name):
    """A byte order mark, Windows line ends or compression are no part of the first question."""
    answers = {"text": ["Åre"], "answer_start": [13]}
    flat = {"id": "q", "title": "A", "context": TEXT, "question": "Where?", "answers": answers}
    nested = _asked(("Åre", 13), question="Where?")
    article = {"title": "A", "paragraphs": [{"context": TEXT, "qas": [nested]}]}
    text = json.dumps(flat) + "\r\n\r\n" if "jsonl" in name else json.dumps({"data": [article]}, indent=1)
    content = ("\ufeff" + text.replace("\n", "\r\n")).encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    expected = [Question("Where?", TEXT, (("Åre", 13),), "q", "A")]
    assert read_squad(str(tmp_path / name)) == (expected, ())


def test_an_answer_elsewhere_is_moved_or_left_out(squad_file):
    """An offset that is wrong by one teaches the letter after the answer; a repair unheard of hides a damaged file."""
    wrong = [
        _asked(("Anna", 1), id="moved"),
        _asked(("Åre", 14), id="twice"),
        _asked(("Zoë", 0), ("Bo", 20), id="one of two"),
    ]
    path = squad_file((TEXT, _whole(40) + wrong))
    questions, notes = read_squad(path)
    assert [question.answers for question in questions[-2:]] == [(("Anna", 0),), (("Bo", 20),)]
    assert len(questions) == 42
    assert notes == (
        f"{path}: 1 of 44 answers do not stand where their answer_start says and were moved to the only place where "
        f'they do, the first being {path}, article 1, paragraph 1, question 41, id moved ("Anna" at 1)',
        f"{path}: 2 of 44 answers do not stand where their answer_start says and were left out, with 1 of 43 questions "
        f'that have no other, the first being {path}, article 1, paragraph 1, question 42, id twice ("Åre" at 14)',
    )


def test_too_many_answers_elsewhere_are_no_slips(squad_file):
    """Offsets in bytes are right until the first emoji, and then all are wrong."""
    path = squad_file((TEXT, _whole(17) + [_asked(("Bo", 24))] * 2))
    with pytest.raises(
        DataError,
        match=r"2 of 19 answers do not stand where their answer_start says, the first being .*, question 18, id q "
        r'\("Bo" at 24\); answer_start counts characters \(not bytes\) of the context from 0\. Correct the file',
    ):
        read_squad(path)
    assert len(read_squad(squad_file((TEXT, _whole(18) + [_asked(("Bo", 24))] * 2)))[0]) == 20


def test_empty_contexts_and_questions_are_left_out(squad_file):
    """A window without a text trains "no answer"."""
    path = squad_file(("", [_asked()]), (" \n", [_asked()]), (TEXT, [_asked(question=" "), *_whole(1)]))
    questions, notes = read_squad(path)
    assert [question.id for question in questions] == ["good0"]
    assert notes == (
        f"{path}: 3 of 4 questions left out, whose question or context is empty, "
        f"the first being {path}, article 1, paragraph 1, question 1, id q",
    )


def test_an_answer_of_nothing_says_that_there_is_none(squad_file):
    """Some sets write "no answer" as an empty one at -1."""
    questions, _ = read_squad(squad_file((TEXT, [_asked(("", -1)), _asked((" ", 0))])))
    assert [question.answers for question in questions] == [(), ()]


def test_half_an_emoji_is_replaced(tmp_path):
    """Half a character stops every tokenizer with an error from another language."""
    context = r"so \ud83d\ude42 \ud83d glad"
    row = f'{{"question": "How?", "context": "{context}", "answers": [{{"text": "\\ud83d glad", "answer_start": 5}}]}}'
    (tmp_path / "x.jsonl").write_text(row)
    ((question,), notes) = read_squad(str(tmp_path / "x.jsonl"))
    assert question == Question("How?", "so 🙂 \ufffd glad", (("\ufffd glad", 5),))
    assert notes == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"x\.json is empty"),
        ("{", r"x\.json is not JSON \(.*\); give a file in the form of SQuAD, or JSON Lines as \.jsonl"),
        ("[]", r"x\.json is a JSON list, and should be an object with data"),
        ('{"datas": []}', r'x\.json has no field "data"; did you mean "datas"\?'),
        ('{"data": []}', r"x\.json has no question with a context; give a file in the form of SQuAD"),
        ('{"data": {}}', r"""x\.json has '\{\}' as "data", and should have a list"""),
        ('{"data": [{}]}', r'x\.json, article 1 has no field "paragraphs"'),
        ('{"data": [{"paragraphs": [{"qas": []}]}]}', r'article 1, paragraph 1 has no field "context"; known: qas'),
        (
            '{"data": [{"paragraphs": [{"context": 1, "qas": []}]}]}',
            r"""has '1' as "context", and should have a text""",
        ),
        (
            '{"data": [{"paragraphs": [{"context": "a", "qas": [3]}]}]}',
            r"question 1 is a JSON int, and should be an obj",
        ),
        (
            '{"data": [{"paragraphs": [{"context": "a", "qas": [{"question": "b"}]}]}]}',
            r'no field "answers"; known: qu',
        ),
        (
            '{"data": [{"paragraphs": [{"context": "a", "qas": [{"question": "b", "answers": [{"text": "a"}]}]}]}]}',
            r'paragraph 1, question 1 has no field "answer_start"; known: text',
        ),
        (
            '{"data": [{"paragraphs": [{"context": "a", "qas": [{"question": "b", "answers":'
            ' [{"text": "a", "answer_start": "0"}]}]}]}]}',
            r"""question 1 has '0' as "answer_start", and should have a whole number""",
        ),
        (
            '{"data": [{"paragraphs": [{"context": "a", "qas": [{"question": "b", "answers":'
            ' {"text": ["a"], "answer_start": []}}]}]}]}',
            r"question 1 has 1 texts and 0 answer_start; every answer needs one of each",
        ),
    ],
)
def test_a_wrong_file_is_named(tmp_path, text, sentence):
    """One wrong question among a hundred thousand cannot be found without its place."""
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(DataError, match=sentence):
        read_squad(str(path))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", r"x\.jsonl:2 is not JSON \(.*\); give one JSON object a line"),
        ('{"question": "a", "answers": []}', r'x\.jsonl:2 has no field "context"; known: answers, question'),
        (
            '{"question": "a", "context": "b", "answers": null}',
            r"x\.jsonl:2 has 'None' as \"answers\", and should have a",
        ),
    ],
)
def test_a_wrong_line_is_named(tmp_path, line, sentence):
    """A line number is all that finds it again."""
    path = tmp_path / "x.jsonl"
    path.write_text('{"question": "a", "context": "b", "answers": []}\n' + line)
    with pytest.raises(DataError, match=sentence):
        read_squad(str(path))


def test_an_answer_has_to_stand_in_its_context():
    """Whoever makes a question by hand hears at once that it is wrong."""
    with pytest.raises(DataError, match='question 7: the answer "b" does not stand at 0 of its context'):
        Question("Who?", "ab", (("b", 0),), "7")
    with pytest.raises(DataError, match='the answer "b" does not stand at -1'):
        Question("Who?", "ab", (("b", -1),), "7")


def test_articles_are_cut_whole(squad_file):
    """A paragraph known from training answers the questions of the development set."""
    paths = [squad_file((f"{TEXT} {n}", _whole(4)), name=f"{n}.json", title=f"T{n % 5}") for n in range(10)]
    splits = load(Squad(train=tuple(paths), dev=Cut(cut=0.3)), seed=1)
    groups = [{question.group for question in part} for part in (splits.train, splits.dev)]
    assert not groups[0] & groups[1]
    assert [len(splits.train), len(splits.dev)] == [24, 16]


def test_specs_say_what_is_measured():
    """Development data that is taken from the test set is how a good score is made up."""
    adapter = TypeAdapter(Squad | SquadHub)
    hub = adapter.validate_python({"kind": "squad_hub", "id": "rajpurkar/squad"})
    assert (hub.train, hub.dev, hub.test, hub.metrics) == ("train", Cut(), "validation", ("squad_f1", "squad_em"))
    assert (hub.question_length, hub.answer_length) == (64, 30)
    files = adapter.validate_python({"kind": "squad", "train": ["a", "b"], "metrics": ["squad_em"]})
    for spec in (hub, files):
        assert spec.task == "question_answering"
        assert adapter.validate_json(adapter.dump_json(spec)) == spec


@pytest.fixture
def hub_folder(tmp_path, monkeypatch):
    """A local folder of Parquet files in the form of the Hub's SQuAD."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    datasets.disable_progress_bars()
    answers = [{"text": ["Anna"], "answer_start": [0]}, {"text": [], "answer_start": []}]
    rows = {
        "id": ["1", "2"],
        "title": ["A", "B"],
        "context": [TEXT, "Cy ran."],
        "question": ["Who?", "Why?"],
        "answers": answers,
    }
    for split in ("train", "validation"):
        folder = tmp_path / "set" / "data"
        folder.mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_dict(rows).to_parquet(folder / f"{split}-00000-of-00001.parquet")
    return tmp_path / "set"


def test_hub_rows(hub_folder):
    """The Hub's SQuAD is flat, its answers two lists side by side."""
    splits = load(SquadHub(id=str(hub_folder), dev=Cut(cut=0.4)), 0)
    assert splits.test == (Question("Who?", TEXT, (("Anna", 0),), "1", "A"), Question("Why?", "Cy ran.", (), "2", "B"))
    assert len(splits.train) == len(splits.dev) == 1


LANGUAGES = ("ar", "de", "el", "en", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh")
COUNTS = {
    "en/squad_v1.1-devarticles-train.json.gz": 6407,
    "en/squad_v1.1-devarticles-dev.json.gz": 1386,
    "en/squadshifts_newwiki-train.json.gz": 6220,
    "en/squadshifts_newwiki-dev.json.gz": 851,
    "sv/squad_sv-train.json.gz": 2778,
    "sv/squad_sv-dev.json.gz": 967,
    "pl/poquad-train.json.gz": 1343,
    "pl/poquad-dev.json": 194,
    **{f"xquad/xquad.{language}-train.json.gz": 740 for language in LANGUAGES},
    **{f"xquad/xquad.{language}-dev.json": 154 for language in LANGUAGES},
}
"""Questions of every file, as the data's README has them."""


def test_real_files(shared_data):
    """Offsets counted in bytes would still fit English; they must fit Greek, Thai and Hindi."""
    for name, count in COUNTS.items():
        questions, notes = read_squad(str(shared_data / "qa" / name))
        assert (name, len(questions), notes) == (name, count, ())  # no answer stands elsewhere
        assert all(question.group and question.id and not question.impossible for question in questions)
