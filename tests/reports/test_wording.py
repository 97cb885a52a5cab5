import math

import pytest

from limbeck.reports import wording

SPACE = "\u00a0"


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (wording.share(0.981), f"98.1{SPACE}%"),
        (wording.share(None), "–"),
        (wording.share(math.nan), "–"),
        (wording.score(0.6812), "68.1"),
        (wording.score(-0.16), "−16.0"),
        (wording.score(12.345), "12.3"),
        (wording.points(0.034), "+3.4"),
        (wording.points(-0.0004), "0.0"),
        (wording.points(-0.013), "−1.3"),
        (wording.times(1.944), "1.94×"),
        (wording.interval((0.957, 1.0062), wording.share), "[95.7, 100.6]"),
        (wording.interval((None, 1.0), wording.share), ""),
        (wording.interval(None, wording.share), ""),
        (wording.milliseconds(0.1234), "0.123"),
        (wording.milliseconds(8.153), "8.15"),
        (wording.milliseconds(1016.6), "1,017"),
        (wording.milliseconds(0.0), "0"),
        (wording.count(17_390_592), f"17.4{SPACE}M"),
        (wording.count(1057), "1,057"),
        (wording.flops(4.1e13), f"41.0{SPACE}TFLOP"),
        (wording.size(69_562_368), f"69.6{SPACE}MB"),
        (wording.size(512), f"512{SPACE}B"),
        (wording.duration(0.84), f"0.8{SPACE}s"),
        (wording.duration(252.4), f"4{SPACE}min 12{SPACE}s"),
        (wording.duration(3900), f"1{SPACE}h 5{SPACE}min"),
        (wording.duration(59.7), f"1{SPACE}min 0{SPACE}s"),
        (wording.metric_name("entity_f1"), "entity F1"),
        (wording.metric_name("F1"), "F1"),
        (wording.plain(True), "yes"),
        (wording.plain(0.9812), "0.9812"),
        (wording.plain(8306774016), "8,306,774,016"),
        (wording.plain(None), "–"),
    ],
)
def test_numbers_read_as_they_are(shown: str, expected: str) -> None:
    """A number shown with the wrong sign, unit or magnitude is worse than none."""
    assert shown == expected
