"""The pages that are written: Jinja with what protects a reader from what an export may hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def page_environment(package: str, finalize: Callable[[Any], Any] | None = None) -> Environment:
    """An environment that escapes all that is not marked as markup and refuses unknown names.

    Args:
        package: The package whose folder `templates` holds them.
        finalize: What every value passes before it is written.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
