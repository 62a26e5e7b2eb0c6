import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMED = re.findall(r"`(\w+/test_\w+\.py)(?:::(test_\w+))?`", (ROOT / "docs" / "threats.md").read_text())


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_what_is_promised_is_held_by_a_test(path, name):
    """Each test that the document names exists."""
    content = (ROOT / "tests" / path).read_text()
    assert not name or re.search(rf"^def {name}\(", content, re.MULTILINE)
