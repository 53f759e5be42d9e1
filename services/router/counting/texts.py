"""What a public text has in common with others: its copies, its links, its hashtags."""

import hashlib
import re
from collections.abc import Iterable
from itertools import islice
from typing import Final, NamedTuple
from urllib.parse import urlsplit

_LINK: Final = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_TAG: Final = re.compile(r"(?<!\w)#(\w{2,64})")
# "RT @someone: ", and the handles that an answer begins with.
_ADDRESSED: Final = re.compile(r"\A\s*(?:RT\s+@[\w.]+:\s*)?(?:@[\w.]+[\s,:]+)*", re.IGNORECASE)
_WORD: Final = re.compile(r"\w{2}")
_PUNCTUATION: Final = ".,;:!?)]}'\"…»”"

# Shorter ones ("gracias", "same here", emoji) are alike without being copies.
_SHORTEST_COPY: Final = 16
# Of one mention: a list of links or tags is spam, and must not push out what weighs.
_MOST: Final = 8
_LONGEST_LINK: Final = 200


class Features(NamedTuple):
    """What one text counts for. `copy`: 16 hexadecimal digits that its copies share, None for a text that says little.

    `links`: scheme, host and path, no more. `tags`: casefolded, without `#`. Each once.
    """

    copy: str | None
    links: tuple[str, ...]
    tags: tuple[str, ...]


def features(text: str) -> Features:
    """The features of a text as it was written.

    Copies are texts that are equal but for a leading "RT @x:", leading handles, links, case and white space. A text of
    fewer than 16 characters after that, or without a word, has no copies.
    """
    links: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    if "://" in text:  # looked for first: most texts have none of these, and a regular expression costs far more
        links = _some(link for url in _LINK.findall(text) if (link := _link(url)))
        text = _LINK.sub(" ", text)
    if "#" in text:
        tags = _some(tag.casefold() for tag in _TAG.findall(text) if not tag.isdigit())
    if "@" in text:
        text = _ADDRESSED.sub("", text)
    normal = " ".join(text.casefold().split())
    says_much = len(normal) >= _SHORTEST_COPY and _WORD.search(normal)
    return Features(_hash(normal) if says_much else None, links, tags)


def _some(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(islice(dict.fromkeys(values), _MOST))


def _link(url: str) -> str | None:
    """Without query, fragment and closing punctuation, host in lower case; None for what is no link.

    Without `user:password@`: links are told to people and kept, and a password that somebody posts must not be.
    """
    try:
        parts = urlsplit(url.rstrip(_PUNCTUATION))
        parts.port  # noqa: B018 - raises for what is no number: part of a password with a slash
    except ValueError:  # that, or brackets that enclose no address
        return None
    host = parts.netloc.rpartition("@")[2].lower()
    link = f"{parts.scheme}://{host}{parts.path}"
    return link.rstrip(_PUNCTUATION + "/")[:_LONGEST_LINK] if host else None


def _hash(normal: str) -> str:
    return hashlib.blake2b(normal.encode(), digest_size=8).hexdigest()
