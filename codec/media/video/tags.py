"""What a video's file says about it in words: title, time of creation, place and the like."""

from __future__ import annotations

from collections.abc import Mapping

from codec.container import pack_tags, unpack_tags

KEY = "tags"  # in an Info's metadata
# By FFmpeg's names, which its writers of mp4 and Matroska take; the last ones have no place in mp4.
_MP4 = (
    "title", "creation_time", "artist", "album", "album_artist", "comment", "composer", "copyright", "date",
    "description", "genre", "keywords", "location", "synopsis",
)  # fmt: skip
_KEPT = frozenset({*_MP4, "make", "model"})
_NAMES = {"author": "artist", "location.iso6709": "location", "creationdate": "date"}  # QuickTime's and Flash's
_QUICKTIME = "com.apple.quicktime."
# Of the file, not of what is in it.
_TECHNICAL = (
    "encoder", "encoding_tool", "major_brand", "minor_version", "compatible_brands", "duration", "handler_name",
    "vendor_id", "software", "timecode", "com.android.version", "com.android.capture.fps", "uid",
    "generation_uid", "material_package_umid", "file_package_umid", "product_uid", "operational_pattern_ul",
    "metadatacreator", "hasvideo", "hasaudio", "hasmetadata", "canseektoend", "deviceconformancetemplate",
    "isvbr", "mediafoundationversion", "wmfsdkversion", "wmfsdkneeded", "toolname", "toolversion",
)  # fmt: skip
_NEVER = "1970-01-01T00:00:00"  # of a clock that was never set
_LONGEST = 2**16  # characters of a text
_LISTED = 6  # names in a line for the user


def found(metadata: Mapping[str, str]) -> tuple[bytes, list[str]]:
    """The tags of a file as a value of `Info.metadata`, b"" for none; and what the user must be told of others."""
    kept: dict[str, str] = {}
    others: list[str] = []
    for key, text in metadata.items():
        name = key.lower().removeprefix(_QUICKTIME)
        name = _NAMES.get(name, name)
        text = text.replace("\0", "")
        if name == "creation_time" and text.startswith(_NEVER):
            continue
        if name in _KEPT and len(text) <= _LONGEST:
            if text:
                kept.setdefault(name, text)
        elif not name.startswith((*_TECHNICAL, "location-")):
            others.append(key)
    listed = ", ".join(repr(key)[1:-1] for key in others[:_LISTED])
    more = f" and {len(others) - _LISTED} more" if len(others) > _LISTED else ""
    return pack_tags(kept), [f"these tags are left out: {listed}{more}"] if others else []


def written(metadata: Mapping[str, bytes], format: str) -> dict[str, str]:
    """The tags that a file of `format`, "mp4" or "mkv", holds of an `Info`'s metadata."""
    value = metadata.get(KEY)
    tags = unpack_tags(value) if value else {}
    return {name: text for name, text in tags.items() if name in (_KEPT if format == "mkv" else _MP4)}


def without_sound(metadata: Mapping[str, bytes]) -> dict[str, bytes]:
    """The metadata of a video that is to be silent."""
    return {name: value for name, value in metadata.items() if name != "audio"}


def left_out(metadata: Mapping[str, bytes], format: str) -> list[str]:
    """What the user must be told of sound and tags that a file of `format` ("mp4", "mkv", "y4m", "png") can't hold."""
    plain = format not in ("mp4", "mkv")
    notes = ["the sound is left out: y4m and pictures hold none"] if plain and "audio" in metadata else []
    value = metadata.get(KEY)
    kept = {} if plain else written(metadata, format)
    names = sorted(unpack_tags(value).keys() - kept.keys()) if value else []
    return [*notes, f"these tags are left out, which {format} has no place for: {', '.join(names)}"] if names else notes
