"""From a mention to the model's token ids: one way for training and for serving.

The sequence is `<s> text </s>`, with context `<s> text </s> </s> context </s>`. The context says in words what is known
and is not the rule: `reply: parent` to the brand, `to user: parent` to somebody else, `instagram comment reply:
parent`, `app store review:`. A plain post on X has none.
"""

import html
import re
import unicodedata
from typing import Final

from tokenizers import Tokenizer

from services.classify.model.base import ModelError, ModelInput

# Longer texts cost tokenisation time and are cut by the token limit anyway.
MAX_CHARACTERS = 2_000

# What is said of a mention's kind; posts and replies say it by the reply mark.
_KINDS: Final = {"comment": "comment", "review": "review", "direct_message": "message"}
_USUAL_PLATFORMS: Final = ("", "x", "twitter")

_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
# An e-mail address is not a handle: the character before the @ must not be a word's.
_HANDLE = re.compile(r"(?<![\w.])@\w[\w.]*\w|(?<![\w.])@\w")
# Joiners, direction marks and variation selectors vary by keyboard, not by meaning.
_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060\ufe0e\ufe0f\ufeff]")
_SPACE = re.compile(r"\s+")


def normalise(text: str) -> str:
    """Unescaped HTML, NFC, links as `http`, handles as `@user`, single spaces, at most MAX_CHARACTERS."""
    text = unicodedata.normalize("NFC", html.unescape(text[:MAX_CHARACTERS]))
    text = _LINK.sub("http", _INVISIBLE.sub("", text))
    return _SPACE.sub(" ", _HANDLE.sub("@user", text)).strip()


def segments(given: ModelInput) -> tuple[str, str]:
    """The text and its context ("" when there is none), both normalised."""
    words = [] if given.platform in _USUAL_PLATFORMS else [given.platform.replace("_", " ")]
    words.append(_KINDS.get(given.kind, ""))
    if given.is_reply:
        words.append("to user" if given.parent_by_brand is False else "reply")
    said = " ".join(word for word in words if word)
    if not said:
        return normalise(given.text), ""
    parent = normalise(given.parent_text) if given.is_reply else ""
    return normalise(given.text), f"{said}: {parent}".rstrip()


def special_token(tokenizer: Tokenizer, token: str) -> int:
    """Its id; ModelError when the tokenizer is not of the XLM-R kind."""
    number = tokenizer.token_to_id(token)
    if number is None:
        raise ModelError(
            f"the model's tokenizer has no {token}: it is not of the XLM-R kind. Restore its tokenizer.json, or take a "
            "base of that kind, such as intfloat/multilingual-e5-small"
        )
    return number
