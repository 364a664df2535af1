"""Standard streams (AV1, H.265, H.264) through FFmpeg's libraries: encoded, kept as they are, decoded, muxed again."""
