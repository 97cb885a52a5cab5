from inspect import cleandoc

from limbeck.corpora.prose import paragraphs, reads_as_prose

DOCSTRING = cleandoc(
    """
    Summarise the whole thing in
    one sentence.

    Heading
    -------
    A paragraph that ends with an example::

        dropped = 1

    And goes on after it.

    >>> dropped()
    1

    .. note:: This is said
       in a note.

    .. code-block:: python

        dropped = 2

    .. versionadded:: 3.2 The flag is new.

    ===== =====
    dropped  dropped
    ===== =====

    - First item that
      goes on.
    - Second item.

    ```python
    dropped = 3
    ```

    :param x: What x is
        good for.
    :type x: dropped

    Args:
        first (int, optional): The first
            of them.
        second: The second.

    Parameters
    ----------
    alpha : float
        How strong it is.
    """
)


def test_prose_is_kept_and_everything_else_is_left_out() -> None:
    """Code and tables in the text are learned as if they were sentences; half sentences too."""
    assert list(paragraphs(DOCSTRING)) == [
        "Summarise the whole thing in one sentence.",
        "A paragraph that ends with an example:",
        "And goes on after it.",
        "This is said in a note.",
        "The flag is new.",
        "First item that goes on.",
        "Second item.",
        "What x is good for.",
        "The first of them.",
        "The second.",
        "How strong it is.",
    ]


def test_formulas_and_templates_are_no_prose() -> None:
    """Placeholders that the reader never sees would be learned as words."""
    assert not list(paragraphs("The value of :math:`x` is given.\n\nReturn the %(klass)s.\n\nUse {name} for it."))


def test_short_or_wordless_paragraphs_do_not_read_as_prose() -> None:
    """Fragments teach nothing about language and fill batches."""
    assert reads_as_prose("This sentence has exactly six words.")
    assert not reads_as_prose("This has only four.")
    assert not reads_as_prose("a=1, b=2, c=3, d=4, e=5, f=6 and 7")
