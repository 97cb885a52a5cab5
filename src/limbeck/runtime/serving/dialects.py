"""Forms in which models are asked and answer: Hugging Face's, DeepInfra's, text-embeddings-inference's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from limbeck.runtime.folder import TaskName
from limbeck.runtime.serving.failures import invalid
from limbeck.runtime.serving.scheduling import Served


class Question(NamedTuple):
    """A request in our own form."""

    inputs: list[Any]
    options: Mapping[str, Any]
    several: bool
    """Whether a list was sent, and a list is to be returned."""


class Reply(NamedTuple):
    """What a dialect may tell beside the answers."""

    served: Served
    request_id: str
    cost: float
    """In dollars."""


class Dialect(ABC):
    """One form."""

    @abstractmethod
    def asked(self, body: Any, task: TaskName) -> Question:
        """What a body asks.

        Raises:
            Refused: the body is not of this form.
        """

    @abstractmethod
    def said(self, question: Question, reply: Reply, task: TaskName) -> Any:
        """The answer as JSON."""


class HuggingFace(Dialect):
    """The inference API of the Hugging Face Hub: what huggingface_hub and @huggingface/inference speak."""

    def asked(self, body: Any, task: TaskName) -> Question:
        """`{"inputs": ..., "parameters": {...}}`; `options` of the old API is taken and has no meaning."""
        fields = _fields(body, ("inputs",), ("parameters", "options"))
        for name in ("parameters", "options"):
            if not isinstance(fields.get(name, {}), dict):
                raise invalid(f'"{name}" should be an object')
        return _several(fields["inputs"], fields.get("parameters", {}))

    def said(self, question: Question, reply: Reply, task: TaskName) -> Any:
        """The answers; those of a text's classes are in a list of their own, as the Hub's are."""
        if question.several or task == "text-classification":
            return reply.served.answers
        return reply.served.answers[0]


class DeepInfra(Dialect):
    """DeepInfra's, which the page of DistilBERT on SQuAD was served by."""

    def asked(self, body: Any, task: TaskName) -> Question:
        """`{"question": ..., "context": ...}`, of the other tasks `{"input": ...}`."""
        if task == "question-answering":
            return Question([_fields(body, ("question", "context"), ())], {}, several=False)
        return _several(_fields(body, ("input",), ())["input"], {})

    def said(self, question: Question, reply: Reply, task: TaskName) -> Any:
        """The answer, what it cost, and how long it took."""
        answers = reply.served.answers
        if task == "question-answering":
            said = dict(answers[0])
        else:
            said = {"results": answers if question.several else answers[0]}
        status = {
            "status": "succeeded",
            "runtime_ms": round(reply.served.seconds * 1000, 3),
            "cost": reply.cost,
            "tokens_input": reply.served.tokens,
        }
        return {**said, "request_id": reply.request_id, "inference_status": status}


class TextEmbeddingsInference(Dialect):
    """text-embeddings-inference's, of classification alone."""

    def asked(self, body: Any, task: TaskName) -> Question:
        """`{"inputs": TEXT, or [TEXT, PAIR], or [[TEXT], [TEXT, PAIR], ...], "raw_scores": false}`."""
        fields = _fields(body, ("inputs",), ("raw_scores", "truncate", "truncation_direction"))
        raw, inputs = fields.get("raw_scores", False), fields["inputs"]
        if not isinstance(raw, bool):
            raise invalid('"raw_scores" should be true or false')
        options = {"function_to_apply": "none"} if raw else {}
        several = isinstance(inputs, list) and any(isinstance(each, list) for each in inputs)
        return Question([_texts(each) for each in (inputs if several else [inputs])], options, several)

    def said(self, question: Question, reply: Reply, task: TaskName) -> Any:
        """Classes of the text; a list of such lists for a batch."""
        return reply.served.answers if question.several else reply.served.answers[0]


def _texts(given: Any) -> Any:
    if isinstance(given, str):
        return given
    if isinstance(given, list) and 1 <= len(given) <= 2 and all(isinstance(each, str) for each in given):
        return given[0] if len(given) == 1 else {"text": given[0], "text_pair": given[1]}
    raise invalid('"inputs" should be a text, a list of a text and its pair, or a list of such lists')


def _several(inputs: Any, options: Mapping[str, Any]) -> Question:
    if isinstance(inputs, list):
        if not inputs:
            raise invalid("the inputs are an empty list; send one or more")
        return Question(inputs, options, several=True)
    return Question([inputs], options, several=False)


def _fields(body: Any, required: Sequence[str], optional: Sequence[str]) -> dict[str, Any]:
    wanted = ", ".join(f'"{name}"' for name in required)
    if not isinstance(body, dict):
        raise invalid(f"the body should be an object with {wanted}")
    missing = [name for name in required if name not in body]
    if missing:
        raise invalid(f'the field "{missing[0]}" is missing')
    if not set(body) <= {*required, *optional}:
        known = ", ".join((*required, *optional))
        raise invalid(f"the body has a field that is not known; known: {known}")
    return body
