"""The extras of the package: which command needs which, and what is said where one is not installed."""

from importlib.util import find_spec

import click

from servier.errors import ServierError

EXTRAS = {
    "serve": {
        "flask": "flask",
        "jinja2": "jinja2",
        "markupsafe": "markupsafe",
        "scipy": "scipy",
        "waitress": "waitress",
        "werkzeug": "werkzeug",
    },
    "sign": {"cryptography": "cryptography"},
    "train": {
        "crepes": "crepes",
        "jinja2": "jinja2",
        "keras": "keras",
        "lightgbm": "lightgbm",
        "markupsafe": "markupsafe",
        "matplotlib": "matplotlib",
        "onnx": "onnx",
        "onnxmltools": "onnxmltools",
        "optuna": "optuna",
        "pyyaml": "yaml",
        "scikit-learn": "sklearn",
        "scipy": "scipy",
        "sqlalchemy": "sqlalchemy",
        "tensorflow": "tensorflow",
        "threadpoolctl": "threadpoolctl",
    },
}
"""The packages of each extra, as pyproject.toml has them, with the names under which they are imported."""

NAMED = 3


def require_extra(extra: str, what: str | None = None) -> None:
    """Refuse to go on without the packages of an extra.

    Parameters
    ----------
    extra
        One of `EXTRAS`.
    what
        What needs them; the command that is running where nothing is said.

    Raises
    ------
    ServierError
        Some are not installed.
    """
    missing = [package for package, module in EXTRAS[extra].items() if not _is_installed(module)]
    if missing:
        what = what or f"servier {click.get_current_context().info_name}"
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        problem = f"{what} needs packages that are not installed ({', '.join(missing[:NAMED])}{more})"
        raise ServierError(problem, hint=f"install them with: pip install 'servier[{extra}]'")


def explain_missing(error: ModuleNotFoundError) -> ServierError | None:
    """Return what to say of a package of an extra that could not be imported; None of any other."""
    module = (error.name or "").partition(".")[0]
    extras = [extra for extra, packages in EXTRAS.items() if module in packages.values()]
    if not extras:
        return None
    hint = f"install it with: pip install 'servier[{extras[-1]}]'"
    return ServierError(f"the package {module} is not installed", hint=hint)


def _is_installed(module: str) -> bool:
    """Say whether a package could be imported, without doing so."""
    try:
        return find_spec(module) is not None
    except ImportError:
        return False
