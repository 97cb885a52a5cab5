"""Everything Limbeck raises on purpose.

    LimbeckError                 exit code 1
    ├── UserError (ValueError)   the sentence says what is wrong, what was found, what to do
    │   ├── RecipeError          the recipe or the arguments are wrong: exit code 2
    │   ├── DataError            a text, data set or label that cannot be used
    │   ├── ModelError           a model that cannot be loaded, cut, or matched to another
    │   ├── ArtifactError        a file of a finished step is missing or damaged
    │   └── MissingExtra         an optional dependency is not installed
    ├── TrainingError            training cannot go on: tensors without gradient, nothing to learn from
    │   └── Diverged             a loss or gradient is no finite number
    └── GateMissed               a gate of the recipe was missed: exit code 3
    Interrupted (BaseException)  stopped by a signal, resumable: exit code 128 + signal

Nothing else reaches a user: an exception of another type is a defect of Limbeck.
"""


class LimbeckError(Exception):
    """Base of all errors that Limbeck raises on purpose."""

    exit_code = 1


class UserError(LimbeckError, ValueError):
    """Something the user gave cannot be used."""


class RecipeError(UserError):
    """The recipe or the command's arguments are wrong; nothing was run."""

    exit_code = 2


class DataError(UserError):
    """A text, a data set or its labels cannot be used."""


class ModelError(UserError):
    """A model cannot be loaded, changed, or matched with another."""


class ArtifactError(UserError):
    """A file of a finished step is missing or damaged."""


class MissingExtra(UserError):
    """An optional dependency is needed and not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; it comes with: pip install 'limbeck[{extra}]'")


class TrainingError(LimbeckError):
    """Training cannot go on; the last good checkpoint is kept."""


class Diverged(TrainingError):
    """A loss or a gradient is no finite number."""


class GateMissed(LimbeckError):
    """A measured value missed the bound that the recipe sets."""

    exit_code = 3


class Interrupted(BaseException):
    """Stopped by a signal at a point from which the run can be continued."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by signal {signal_number}")
        self.exit_code = 128 + signal_number
