"""The language of a mention: what the platform says, else identified from the text."""

import re
from functools import cache
from typing import Final

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from services.classify.model.input import normalise

SERVED: Final = ("es", "pt", "en")
UNKNOWN: Final = "und"

# What a mention of a served brand may be written in besides: neighbours of the served languages, and what is spoken
# where these are. Without them every text would be forced into a served language.
_OTHERS = (
    *(
        "fr",
        "it",
        "de",
        "ca",
        "gl",
        "eu",
        "nl",
        "ro",
        "ht",
        "qu",
        "gug",
        "pl",
        "cs",
        "hu",
        "tr",
        "sv",
        "no",
        "da",
        "fi",
    ),
    *("id", "vi", "ru", "uk", "el", "ar", "he", "fa", "ja", "ko", "zh", "hi", "th"),
)

# The best served language needs this share among the served ones, and no other language may be this much likelier.
_THRESHOLD = 0.6
_OTHER_FACTOR = 2.0
_FEWEST_LETTERS = 3

# A language subtag and the subtags after it (BCP 47).
_TAG = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{1,8})*")
# Not a language: undetermined, several, none, uncoded; and the private codes that platforms use for "only handles",
# "only hashtags" and the like (qaa to qtz in ISO 639-2).
_NO_LANGUAGE = re.compile(r"und|mul|zxx|mis|art|q[a-t][a-z]")
_NOT_WORDS = re.compile(r"@user|\bhttp\b|#\w+")


def identify(text: str, hint: str = "") -> str:
    """The primary language subtag: that of `hint` (BCP 47) when it names a language, else es, pt, en, or und.

    Only the three served languages are told apart; und is answered for any other, when unsure, and without words.

    On 15,267 written mentions and posts (training data) 97.3 % are identified, of these 99.8 % rightly; with the served
    languages as the only candidates 97.9 % and 99.7 %, but then only 46 % of 92 invented posts in other languages are
    und, which now all are. Nine in ten of what stays unknown have fewer than 30 letters. A text that mixes languages
    gets the one that weighs most, or und. lingua (2.1, these languages and seven neighbours) identifies at its best
    88.9 % of the same texts, of these 99.8 % rightly, in five times the time and with 250 MB of memory.
    """
    tag = _TAG.fullmatch(hint.strip().lower())
    if tag and not _NO_LANGUAGE.fullmatch(tag[1]):
        return tag[1]
    words = _NOT_WORDS.sub(" ", normalise(text))
    if sum(character.isalpha() for character in words) < _FEWEST_LETTERS:
        return UNKNOWN
    likelihoods = dict(_identifier().rank(words))
    served = {language: likelihoods.pop(language) for language in SERVED}
    best = max(served, key=served.__getitem__)
    sure = served[best] >= _THRESHOLD * sum(served.values())
    return best if sure and max(likelihoods.values()) <= _OTHER_FACTOR * served[best] else UNKNOWN


@cache
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages((*SERVED, *_OTHERS))
    return identifier
