"""The base of every error that a person can do something about."""


class TriageError(Exception):
    """Something is wrong that a person can put right; the message says what and how. Shown without a traceback."""
