"""Upper bounds on what a file may ask for: the same on write as on read, checked before any allocation."""

from dataclasses import dataclass

from codec.errors import LimitError


@dataclass(frozen=True)
class Limits:
    """Bounds in pixels, frames, bytes and units; raise one with `Limits(side=100_000)`."""

    pixels: int = 2**28  # of one frame
    side: int = 65_535  # width and height
    frames: int = 12 * 3600 * 60  # of the file: twelve hours at 60 a second
    head: int = 64 * 2**10  # bytes of the packed head
    metadata: int = 64 * 2**20  # bytes of all metadata but sound, inflated
    preview: int = 64 * 2**10  # bytes of the small JPEG
    chunks: int = 4096  # of the section of PNG chunks
    tags: int = 4096  # of a video
    audio: int = 2**30  # bytes of the audio section
    units: int = 2**20  # of the file
    unit_frames: int = 1024  # that begin in one unit
    payload: int = 2**30  # bytes of one unit
    packets: int = 2**16  # of the stream, in one unit
    sessions: int = 2**16  # of an archive
    segments: int = 2**12  # of a session
    few: int = 2**26  # pixels of a frame that are decoded from any file

    def check_dense(self, width: int, height: int, size: int, dense: int) -> None:
        """LimitError for a frame of more pixels than `few` and `dense` for each of the `size` bytes of its units."""
        if width * height > self.few + dense * size:
            raise LimitError(
                f"{width} x {height} pixels in {size:,} bytes: the limit is {self.few:,} and {dense:,} for each byte; "
                "get a whole copy of the file"
            )


LIMITS = Limits()
ANY_SIZE = Limits(pixels=2**32)  # of files whose pixels aren't decoded
