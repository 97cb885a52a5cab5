"""What requests and answers look like, for OpenAPI: made from the model's own limits and options."""

from __future__ import annotations

import re
from typing import Any

from limbeck.runtime.model import Model
from limbeck.runtime.serving.limits import Limits

Schema = dict[str, Any]
_NUMBER: Schema = {"type": "number"}
_PLACE: Schema = {"type": "integer", "minimum": 0}
_TEXT: Schema = {"type": "string"}


def input_schema(model: Model) -> Schema:
    """One input."""
    match model.task:
        case "question-answering":
            written = {"type": "string", "pattern": r"\S"}
            return _object({"question": written, "context": written})
        case "text-classification":
            return {"anyOf": [_TEXT, _object({"text": _TEXT}, {"text_pair": {"type": ["string", "null"]}})]}
        case "token-classification":
            return _TEXT
        case "fill-mask":
            mask = model.processor.mask_token or ""
            about = f"Has {mask} where a word is to be found, once or several times."
            return {"type": "string", "description": about, "pattern": re.escape(mask)}


def options_schema(model: Model) -> Schema:
    """`parameters`."""
    made = model.kind.options.model_json_schema()
    made.pop("title", None)
    return made


def hub_request(model: Model, limits: Limits) -> Schema:
    """Of Hugging Face's form."""
    one = input_schema(model)
    return _object(
        {"inputs": _one_or_more(one, limits)}, {"parameters": options_schema(model), "options": {"type": "object"}}
    )


def deepinfra_request(model: Model, limits: Limits) -> Schema:
    """Of DeepInfra's."""
    one = input_schema(model)
    if model.task == "question-answering":
        return one
    return _object({"input": _one_or_more(one, limits)})


def classes_request(limits: Limits) -> Schema:
    """Of text-embeddings-inference's."""
    pair = {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 2}
    batch = {"type": "array", "items": pair, "minItems": 1, "maxItems": limits.items}
    return _object(
        {"inputs": {"anyOf": [_TEXT, pair, batch]}},
        {
            "raw_scores": {"type": "boolean"},
            "truncate": {},
            "truncation_direction": {},
        },
    )


def answer_schema(model: Model) -> Schema:
    """The answer to one input."""
    match model.task:
        case "question-answering":
            one = _object({"answer": _TEXT, "score": _NUMBER, "start": _PLACE, "end": _PLACE})
            return {"anyOf": [one, _list(one)]}
        case "text-classification":
            return _list(_object({"label": _TEXT, "score": _NUMBER}))
        case "token-classification":
            named = {"entity_group": _TEXT, "entity": _TEXT, "index": _PLACE}
            return _list(_object({"score": _NUMBER, "word": _TEXT, "start": _PLACE, "end": _PLACE}, named))
        case "fill-mask":
            row = _list(_object({"score": _NUMBER, "token": _PLACE, "token_str": _TEXT, "sequence": _TEXT}))
            return {"anyOf": [row, _list(row)]}


def hub_answer(model: Model) -> Schema:
    """Of Hugging Face's form."""
    one = answer_schema(model)
    return _list(one) if model.task == "text-classification" else {"anyOf": [one, _list(one)]}


def deepinfra_answer(model: Model) -> Schema:
    """Of DeepInfra's."""
    status = _object({"status": _TEXT, "runtime_ms": _NUMBER, "cost": _NUMBER, "tokens_input": _PLACE})
    told = {"request_id": _TEXT, "inference_status": status}
    if model.task == "question-answering":
        return _object({"answer": _TEXT, "score": _NUMBER, "start": _PLACE, "end": _PLACE, **told})
    one = answer_schema(model)
    return _object({"results": {"anyOf": [one, _list(one)]}, **told})


ERROR: Schema = {
    "type": "object",
    "properties": {"error": _TEXT, "error_type": _TEXT},
    "required": ["error", "error_type"],
    "additionalProperties": False,
}


def _object(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    properties = {**required, **(optional or {})}
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _one_or_more(one: Schema, limits: Limits) -> Schema:
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1, "maxItems": limits.items}]}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}
