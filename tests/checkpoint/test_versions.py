from importlib.metadata import version

from servier import __version__
from servier.checkpoint.versions import installed_versions


def test_packages_that_are_not_installed_are_left_out():
    """Packages come in the order of the question, after servier; one that is not there is no error."""
    found = installed_versions("rdkit", "no-such-package", "numpy")
    expected = {"servier": __version__, "rdkit": version("rdkit"), "numpy": version("numpy")}
    assert list(found.items()) == list(expected.items())
