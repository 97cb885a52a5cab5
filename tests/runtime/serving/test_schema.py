"""What OpenAPI promises, tried with hundreds of made-up requests, right and wrong."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from serving_support import running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
_TRIED = settings(
    max_examples=50,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize(("mode", "operations"), [(GenerationMode.POSITIVE, 15), (GenerationMode.NEGATIVE, 9)])
def test_requests_are_answered_or_refused_as_described(mode, operations, models):
    """A request that nobody thought of ends in a stack trace, or is answered as if it were another one."""
    with running(dict(models), wait=1000) as server:
        schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
        tried = [_tried(found.ok(), mode) for found in schema.get_all_operations()]
    assert sum(tried) == operations


def _tried(operation, mode):
    """Whether there is anything to be tried in this mode: what takes nothing cannot be asked wrongly."""
    if mode is GenerationMode.NEGATIVE and operation.method != "post":
        return False

    @_TRIED
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case):
        case.call_and_validate(excluded_checks=_beyond_a_schema(case))

    check()
    return True


def _beyond_a_schema(case):
    """No schema can say which words have a token, so that what `targets` names may be refused all the same."""
    body = case.body if isinstance(case.body, dict) else {}
    parameters = body.get("parameters") or {}
    named = isinstance(parameters, dict) and parameters.get("targets") is not None
    return [CHECKS.get_one("positive_data_acceptance")] if named else []
