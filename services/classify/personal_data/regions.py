"""The countries that a mention may come from."""

import re
from typing import Final

# A country in a BCP 47 tag: es-MX, pt_BR.
_REGION: Final = re.compile(r"[a-z]{2,3}[-_](?:[a-z]{4}[-_])?([a-z]{2})(?![a-z0-9])", re.IGNORECASE)
_BY_LANGUAGE: Final = {
    "es": ("MX", "CO", "AR", "ES", "CL", "PE", "EC", "VE", "UY"),
    "pt": ("BR", "PT"),
    "en": ("US", "GB"),
}
_ALL: Final = tuple(region for regions in _BY_LANGUAGE.values() for region in regions)


def regions_of(stated: str, language: str) -> tuple[str, ...]:
    """The country that the platform's tag `stated` names, and those of the language, or all that are served.

    Not the stated one alone: it often is only what an app was set up with, `en-US` or `es-ES`.
    """
    region = _REGION.match(stated.strip())
    spoken = _BY_LANGUAGE.get(language, _ALL)
    return tuple(dict.fromkeys((region[1].upper(), *spoken))) if region else spoken
