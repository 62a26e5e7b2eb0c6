import pytest
from server_for_tests import serving


@pytest.fixture(scope="session")
def server(models_dir):
    """A server of both models, for tests that leave it as it was."""
    with serving(models_dir) as found:
        yield found
