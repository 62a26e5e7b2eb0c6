"""The versions of the packages that a result comes from."""

from importlib.metadata import PackageNotFoundError, version

from servier import __version__


def installed_versions(*packages: str) -> dict[str, str]:
    """Return the version of servier and of those packages that are installed here, by name."""
    found = {"servier": __version__}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
