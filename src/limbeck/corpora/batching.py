"""How a batch is filled with sequences, as a recipe says it: plainly, with as many as fill it, or packed into rows."""


def require_one_way(*, fill: bool, pack: bool, pairs: bool) -> None:
    """Refuses two ways at once, and rows of several texts where pairs of texts are judged.

    Raises:
        ValueError: for pydantic to tell which step it is.
    """
    if fill and pack:
        raise ValueError(
            "`fill` brings texts of like length together and `pack` puts several into one row; found both, set one"
        )
    if pack and pairs:
        raise ValueError(
            "next_sentence judges one pair of texts a row, and `pack` puts several texts into one; set `fill: true`"
            " instead of `pack: true`"
        )


def batch_in_words(batch: int, length: int, *, fill: bool, pack: bool) -> str:
    """What goes through the model at once."""
    if pack:
        return f"{batch} packed rows of {length} tokens"
    return f"{batch * length:,} tokens" if fill else f"{batch} sequences"
