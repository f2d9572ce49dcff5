"""Compressed bodies, inflated piece by piece and never beyond a bound."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from itl.wire.envelope import too_large
from itl.wire.faults import ClientFault

_GZIP = 16 + zlib.MAX_WBITS


def inflate(pieces: Iterable[bytes], largest: int) -> bytes:
    """The content of a gzip stream given in pieces; ClientFault if it is broken or has more than `largest` bytes."""
    out = bytearray()
    decoder = zlib.decompressobj(_GZIP)
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if decoder.eof:  # the next member of the stream
                    decoder = zlib.decompressobj(_GZIP)
                out += decoder.decompress(rest, largest + 1 - len(out))
                if len(out) > largest:
                    raise too_large(f"the message inflates to more than {largest} bytes")
                rest = decoder.unconsumed_tail or decoder.unused_data
    except zlib.error as error:
        raise ClientFault(f"the body is not gzip: {error}") from None
    if not decoder.eof:
        raise ClientFault("the gzip body ends before its end")
    return bytes(out)
