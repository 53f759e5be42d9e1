"""The labels, in the order in which the model's heads and all probability vectors list them."""

from typing import Final

INQUIRY_TYPES: Final = ("complaint", "feedback", "recommendation", "technical", "answer")
SENTIMENTS: Final = ("negative", "neutral", "positive")
