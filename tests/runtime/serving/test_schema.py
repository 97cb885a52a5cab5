"""What OpenAPI promises, tried with hundreds of made-up wrong requests."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from serving_support import running

pytestmark = pytest.mark.slow
_TRIED = settings(
    max_examples=20,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", [GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
def test_every_wrong_request_is_refused(mode, models):
    """A request that nobody thought of ends in a stack trace, or is answered as if it were another one."""
    with running(dict(models), wait=1000) as server:
        schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
        tried = [_tried(found.ok(), mode) for found in schema.get_all_operations()]
    assert sum(tried) == 9


def _tried(operation, mode):
    """Whether there is anything to be tried in this mode: what takes nothing cannot be asked wrongly."""
    if mode is GenerationMode.NEGATIVE and operation.method != "post":
        return False

    @_TRIED
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case):
        case.call_and_validate()

    check()
    return True
