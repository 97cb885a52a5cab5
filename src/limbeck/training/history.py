"""What a training measured while it ran: a learning curve short enough to keep whole."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from limbeck.training.collapse import collapse, collapsed_since

POINTS = 400
"""A curve never has more points than twice this; neighbours are averaged when it would."""


class History:
    """Loss, objectives, rate and tokens, per update, averaged over neighbours when there are many."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.held_out_rows: list[tuple[int, float]] = []
        self.probes: list[tuple[int, dict[str, float]]] = []
        self.updates = 0
        self.tokens = 0
        self.seconds = 0.0
        self._stride = 1

    def add(self, update: int, tokens: int, rate: float, terms: Mapping[str, float], seconds: float) -> None:
        """Records one update."""
        self.updates = update
        self.tokens += tokens
        self.seconds += seconds
        row = {
            "update": update,
            "tokens": self.tokens,
            "learning_rate": rate,
            "over": 1,
            "terms": dict(terms),
        }
        if self.rows and self.rows[-1]["over"] < self._stride:
            self.rows[-1] = _joined(self.rows[-1], row)
        else:
            self.rows.append(row)
        if len(self.rows) > 2 * POINTS:
            pairs = zip(self.rows[::2], self.rows[1::2], strict=False)
            self.rows = [_joined(a, b) for a, b in pairs] + self.rows[len(self.rows) // 2 * 2 :]
            self._stride *= 2

    def held_out(self, update: int, value: float) -> None:
        """Records the loss on text that is not trained on."""
        self.held_out_rows.append((update, value))

    def probed(self, update: int, found: Mapping[str, float]) -> None:
        """Records what was found out about the model after `update`, 0 being before the first, if anything was."""
        if found:
            self.probes.append((update, dict(found)))

    @property
    def warning(self) -> str | None:
        """A sentence on a model that has collapsed; see `collapse`."""
        if not self.rows:
            return None
        return collapse(self.probes, self.rows[0]["terms"]["loss"], self._final()["loss"])

    @property
    def news(self) -> str | None:
        """The warning, at the probe that is the first to give it."""
        return self.warning if self.probes and collapsed_since(self.probes) == self.probes[-1][0] else None

    def state(self) -> dict[str, Any]:
        """Everything, as JSON, for a checkpoint."""
        return {**vars(self)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The inverse of `state`."""
        history = cls()
        for name, value in state.items():
            setattr(history, name, value)
        return history

    def facts(self) -> dict[str, Any]:
        """Totals for a manifest; `final` is the mean of the last tenth of the updates."""
        return {
            "updates": self.updates,
            "tokens": self.tokens,
            "seconds_training": round(self.seconds, 3),
            "tokens_per_second": round(self.tokens / self.seconds, 1) if self.seconds else None,
            "final": self._final(),
            "held_out": self.held_out_rows[-1][1] if self.held_out_rows else None,
            "probe": self.probes[-1][1] if self.probes else {},
            "warnings": [self.warning] if self.warning else [],
        }

    def _final(self) -> dict[str, float]:
        last = self.rows[-max(1, len(self.rows) // 10) :]
        total = sum(row["over"] for row in last)
        names = last[-1]["terms"] if last else {}
        return {name: sum(row["terms"][name] * row["over"] for row in last) / total for name in names}

    def write(self, path: Path) -> None:
        """One JSON line per point: update, tokens, learning_rate, loss, terms, and held_out where measured."""
        held_out = dict(self.held_out_rows)
        with path.open("w", encoding="utf-8") as file:
            before = 0
            for row in self.rows:
                terms = {name: value for name, value in row["terms"].items() if name != "loss"}
                point = {**row, "loss": row["terms"]["loss"], "terms": terms}
                del point["over"]
                measured = [value for update, value in held_out.items() if before < update <= row["update"]]
                if measured:
                    point["held_out"] = measured[-1]
                before = row["update"]
                file.write(json.dumps(point) + "\n")

    def write_probes(self, path: Path) -> None:
        """One JSON line per probe: update, and what was found by its name."""
        lines = [json.dumps({"update": update, **found}) for update, found in self.probes]
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def _joined(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    """Two neighbouring points as one: the later's place, the mean of their terms."""
    over = a["over"] + b["over"]
    terms = {name: (a["terms"][name] * a["over"] + b["terms"][name] * b["over"]) / over for name in b["terms"]}
    return {**b, "over": over, "terms": terms}
