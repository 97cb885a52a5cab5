"""The measured tables in a document, each between a line that names it and one that ends it."""

import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

BEGIN, END = "<!-- {} -->\n", "<!-- end -->\n"


def ratio(ratios: Sequence[float], form: str = ".2f") -> str:
    """Median over rounds, with the least and the greatest."""
    return f"{statistics.median(ratios):{form}} [{min(ratios):{form}}, {max(ratios):{form}}]"


def write_table(path: Path, name: str, table: str) -> None:
    """Replaces the table of that name in the document at `path`."""
    text = path.read_text("utf-8")
    begin = BEGIN.format(name)
    before, found, rest = text.partition(begin)
    if not found:
        sys.exit(f"{path} has no line {begin.strip()} to write the table after")
    path.write_text(before + begin + "\n" + table + "\n" + END + rest.partition(END)[2], "utf-8")
