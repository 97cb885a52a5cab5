"""Relations written out in NumPy, text by text, without padding, in double precision; and the slope of anything.

B texts, T tokens, A heads, D width of a head, H width.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def softmax(scores: Array) -> Array:
    """Over the last axis."""
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    result: Array = powers / powers.sum(-1, keepdims=True)
    return result


def divergence(student_ATD: Array, teacher_ATD: Array, number: int) -> float:
    """MiniLMv2's divergence of one text in `number` relation heads: summed over tokens, mean over heads."""
    ours, theirs = _relations(student_ATD, number), _relations(teacher_ATD, number)
    return float((theirs * np.log(theirs / ours)).sum() / number)


def distances(student_BTH: Array, teacher_BTH: Array, mask_BT: Array) -> float:
    """Huber loss of distances over their mean, summed over ordered pairs of texts."""
    geometries = []
    for hidden in (student_BTH, teacher_BTH):
        points = _sentences(hidden, mask_BT)
        pairs = [np.linalg.norm(a - b) for i, a in enumerate(points) for j, b in enumerate(points) if i != j]
        geometries.append(np.array(pairs) / np.mean(pairs))
    return _huber(geometries[0] - geometries[1])


def angles(student_BTH: Array, teacher_BTH: Array, mask_BT: Array) -> float:
    """Huber loss of cosines at text j between texts i and k, summed over ordered triples."""
    geometries = []
    for hidden in (student_BTH, teacher_BTH):
        points, cosines = _sentences(hidden, mask_BT), []
        for j, corner in enumerate(points):
            arms = [(point - corner) / np.linalg.norm(point - corner) for i, point in enumerate(points) if i != j]
            cosines += [a @ b for i, a in enumerate(arms) for k, b in enumerate(arms) if i != k]
        geometries.append(np.array(cosines))
    return _huber(geometries[0] - geometries[1])


def slope(function: Callable[[Array], float], place: Array, step: float = 1e-5) -> Array:
    """The gradient of `function` by central differences, exact to about 1e-9 where it is smooth."""
    result = np.zeros_like(place)
    for index in np.ndindex(place.shape):
        ends = []
        for sign in (1, -1):
            moved = place.copy()
            moved[index] += sign * step
            ends.append(function(moved))
        result[index] = (ends[0] - ends[1]) / (2 * step)
    return result


def _relations(vectors_ATD: Array, number: int) -> Array:
    joined = np.concatenate(list(vectors_ATD), -1)
    split = np.array(np.split(joined, number, -1))
    return softmax(split @ split.transpose(0, 2, 1) / math.sqrt(split.shape[-1]))


def _sentences(hidden_BTH: Array, mask_BT: Array) -> list[Array]:
    return [hidden[:length].mean(0) for hidden, length in zip(hidden_BTH, mask_BT.sum(-1), strict=True)]


def _huber(difference: Array) -> float:
    small = np.abs(difference) <= 1
    return float(np.where(small, difference**2 / 2, np.abs(difference) - 0.5).sum())
