"""What the first bytes of a video are like: a file's container, or the start of a bare stream."""

from __future__ import annotations

import re

HEAD = 4096  # bytes of a file that are looked at

# What a file begins with that isn't mp4 of today.
_BEGINNINGS = re.compile(
    rb"\x1aE\xdf\xa3|YUV4MPEG2 |RIFF....AVI |FLV\x01|DKIF\0|nut/multimedia"
    rb"|....(?:moov|mdat|wide|free|skip|pnot)"  # QuickTime of before there was ftyp
    rb"|\0\0\x01[\xb3\xba]"  # MPEG
    rb"|\0\0\x01(?:\xb0.\0\0\x01\xb5|[\0-\x1f]\0\0\x01[\x20-\x2f])"  # bare MPEG-4: a sequence, or an object and a layer
    rb"|\0\0\0?\x01(?:[\x67\x47\x27\x09]|[\x40\x46]\x01)"  # bare H.264 and H.265
    rb"|\x12\0[\x0a\x0e]"  # bare AV1: a temporal delimiter and a sequence header,
    rb"|[\x80-\xff]{0,3}[\x01-\x7f][\x80-\xff]{0,3}[\x01-\x7f]\x01\x10[\x01-\x7f][\x08\x0a]"  # or Annex B's
    rb"|\x1f\x07\0[\x3f\xbf].{76}\x3f\x07\0"  # DV: a header and the first block of subcode
    rb"|\x30\x26\xb2\x75\x8e\x66\xcf\x11|\x06\x0e\x2b\x34\x02\x05",  # ASF, MXF
    re.DOTALL,
)

# A packet of a transport stream: 0x47, a flag of errors and part of a number, and two bits that aren't both 0.
_PACKET = re.compile(rb"\x47[\0-\x7f].[\x10-\x3f\x50-\x7f\x90-\xbf\xd0-\xff]", re.DOTALL)
_SPACINGS = (188, 192, 204)  # bytes from one to the next: as broadcast, with times in front, with parity behind
_LEAST = 3  # packets

_PAGE = 27  # bytes of an Ogg page in front of the table of its segments
_FIRST = 2  # its flag: a stream begins here
_PICTURES = (b"\x80theora", b"OVP80", b"BBCD\0", b"\x01video\0", b"\x80daala")


def shows_video(head: bytes) -> bool:
    """Whether a file that begins with `head`, and is neither an image nor an mp4 of today, is a video."""
    return _BEGINNINGS.match(head) is not None or _transport(head) or _ogg(head)


def _transport(head: bytes) -> bool:
    """Whether packets follow each other at a fixed distance, wherever the first one begins: it may have been cut."""
    for spacing in _SPACINGS:
        for start in range(min(spacing, len(head))):
            if head[start] != 0x47:
                continue
            places = range(start, len(head) - 3, spacing)
            if len(places) >= _LEAST - (start <= 4) and all(_PACKET.match(head, place) for place in places):
                return True
    return False


def _ogg(head: bytes) -> bool:
    """Whether one of the streams that begin in an Ogg file is of pictures."""
    at = 0
    while head.startswith(b"OggS", at) and len(head) > at + _PAGE and head[at + 5] & _FIRST:
        body = at + _PAGE + head[at + 26]
        if head.startswith(_PICTURES, body):
            return True
        at = body + sum(head[at + _PAGE : body])
    return False
