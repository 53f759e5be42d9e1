"""A state as bytes: versioned, compact, exact."""

import struct
import zlib
from typing import Final

import numpy as np

from services.router.spikes.detector.state import ARRAYS, DetectorState, new_state

_VERSION: Final = 1
_HEAD: Final = struct.Struct("<4sHIi")
_MAGIC: Final = b"MTSD"


def dump(state: DetectorState) -> bytes:
    """The state, compressed; `load` gives one that goes on identically."""
    body = b"".join(np.ascontiguousarray(getattr(state, name)).tobytes() for name in ARRAYS)
    return _HEAD.pack(_MAGIC, _VERSION, state.step_seconds, state.series) + zlib.compress(body, 1)


def load(data: bytes) -> DetectorState:
    """What `dump` wrote. Raises ValueError for other bytes, or another version of them."""
    try:
        magic, version, step_seconds, series = _HEAD.unpack_from(data)
        if (magic, version) != (_MAGIC, _VERSION):
            raise ValueError
        state = new_state(series, step_seconds)
        body = memoryview(zlib.decompress(data[_HEAD.size :]))
        for name in ARRAYS:
            blank = getattr(state, name)
            setattr(state, name, np.frombuffer(body[: blank.nbytes], blank.dtype).reshape(blank.shape).copy())
            body = body[blank.nbytes :]
        if len(body):
            raise ValueError
    except (struct.error, zlib.error, ValueError):
        raise ValueError(
            f"these bytes are no detector state of version {_VERSION}: drop them and let the state be learned anew"
        ) from None
    return state
