import pytest

from limbeck.decoding.characters import visible_characters, whole

FAMILY = "👩\u200d👩\u200d👧"


@pytest.mark.parametrize(
    ("text", "part", "seen"),
    [
        ("plain text", "lain", "lain"),
        ("plain text", " text", "text"),
        ("cafe\u0301s", "e", "e\u0301"),
        ("cafe\u0301s", "\u0301s", "e\u0301s"),
        (f"a {FAMILY} b", "👩", FAMILY),
        (f"a {FAMILY} b", "👧", FAMILY),
        ("thumbs 👍🏽!", "👍", "👍🏽"),
        ("love ❤\ufe0f!", "❤", "❤\ufe0f"),
        ("of 🇸🇪🇵🇱 and", "🇪", "🇸🇪"),
        ("of 🇸🇪🇵🇱 and", "🇵", "🇵🇱"),
        ("हिन्दी में", "ह", "हि"),
        ("\u202bשלום\u202c עולם", "\u202bשלום\u202c", "שלום"),
        ("\u1112\u1161\u11ab", "\u1161", "\u1112\u1161\u11ab"),
        ("a\u00a0b", "\u00a0", ""),
        ("a\u200bb", "\u200b", ""),
        ("", "", ""),
    ],
)
def test_characters_are_kept_whole(text, part, seen):
    """An answer that begins with a stray accent or half an emoji is a word nobody wrote."""
    start = text.index(part)
    start, end = whole(text, start, start + len(part))
    assert text[start:end] == seen


def test_a_mark_at_the_very_beginning_is_left_alone():
    """Widening past the beginning of a text reads its end."""
    assert whole("\u0301a", 0, 1) == (0, 1)
    assert whole("🇸🇪", 1, 2) == (0, 2)


def test_what_can_be_seen():
    """A token of nothing but a space or a zero-width mark is no place for an answer to begin."""
    seen = visible_characters("a b\u200b\té\u0301")
    assert "".join("x" if each else "." for each in seen) == "x.x..xx"
    assert visible_characters("").tolist() == []
    assert visible_characters("\ud83d ").tolist() == [True, False]
