"""Hostile files through the commands, each in a process of its own: `python tests/fuzz/hostile.py [WORD...]`.

Prints what each took, in seconds of processor time and peak memory, and what it said. The exit code is 1 if any took
more than 5 s or 1 GiB, was killed, or ended in anything but a picture or one line.
"""

import argparse
import io
import lzma
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from archives import archive_of
from crafted import (
    BIG,
    KEY,
    STEADY,
    Attack,
    as_video,
    file_of,
    hybrid,
    joined,
    picture,
    sessions,
    sine,
    sound_file,
    still,
)
from helpers.video_clips import BT601, moving, pictures
from PIL import Image

from codec import weights
from codec.codecs.jpeg import payload
from codec.codecs.jpeg.payload import Parts
from codec.container import Entry, Header, Segment, Stream, Unit
from codec.container.fields import varint
from codec.container.sections import MAGIC, section
from codec.media.jpeg_bits import split

SECONDS, BYTES = 5.0, 2**30
HANG = 90  # seconds after which a command is killed
ROOM = 6 * 2**30  # bytes of address space, so that nothing takes the machine down
COMMAND = (sys.executable, "-c", "from codec.cli.main import main; main()")

NESTED = (100_005).to_bytes(8, "little") + b'{"a":' + b"[" * 100_000
PHOTO = Path(__file__).parents[2] / "assets" / "kodim23.png"

INFO, DECODE = ("info", "{}"), ("decode", "{}", "-f")
PARTIAL = (*DECODE, "--partial")


class Found(NamedTuple):
    """What a command took and said."""

    code: int
    seconds: float  # of processor time
    bytes: int
    said: list[str]


def heads() -> dict[str, Header]:
    """A head for each kind of file, of 64 x 48."""
    s2lic = bytes.fromhex(next(w.fingerprint for w in weights.available() if w.name == "s2lic-xs"))
    circuit = bytes.fromhex(next(w.fingerprint for w in weights.available() if w.name == "circuit-s"))
    jpeg = bytes.fromhex(next(w.fingerprint for w in weights.available() if w.name == "jpeg"))
    return {
        "s2lic": picture(1, 64, 48, s2lic, b"\0\x32"),
        "s2lic ssim": picture(1, 64, 48, s2lic, b"\0\xb2"),
        "s2lic alpha": picture(1, 64, 48, s2lic, b"\0\x32", 4),
        "circuit": picture(2, 64, 48, circuit, b""),
        "circuit tiled": picture(2, 64, 48, circuit, b"\1"),
        "circuit grey": picture(2, 64, 48, b"", b"", 1),
        "jpeg": picture(5, 64, 48, jpeg, varint(2**20)),
        "s2lic video": as_video(picture(1, 64, 48, s2lic, b"\0\x32")),
        "sine tiny": sine(64, 48, 1),
        "sine paper": sine(64, 48, 4),
        "stream": hybrid(64, 48),
    }


def sized(header: Header, width: int, height: int) -> Header:
    stream = header.stream and header.stream._replace(width=width, height=height)
    return header.__class__(**{**vars(header), "width": width, "height": height, "stream": stream})


def large() -> Iterator[Attack]:
    """Few bytes that claim large pictures."""
    for name, small in heads().items():
        video = small.rate is not None
        for width, height in BIG:
            header = sized(small, width, height)
            payload = STEADY + KEY * (small.codec == 3) if video else b""
            unit = Unit(0, 0, 0, payload, int(video))
            label = f"{name} {width}x{height}"
            yield Attack(f"{label}: head alone", joined(header, []), PARTIAL)
            yield Attack(f"{label}: one empty unit", file_of(header, [unit]), DECODE)
            yield Attack(f"{label}: one empty unit, partial", file_of(header, [unit]), PARTIAL)
            if (width, height) == BIG[0]:
                many = [unit._replace(index=i, frames=unit.frames * (i == 0)) for i in range(256)]
                yield Attack(f"{label}: 256 empty units", file_of(header, many), DECODE)
                yield Attack(f"{label}: 256 empty units, partial", file_of(header, many), PARTIAL)
                yield Attack(f"{label}: told", file_of(header, many), (*INFO, "-v"))


def alike(start: bytes, size: int) -> bytes:
    """So many zeros behind a start as a raw LZMA2 stream."""
    packer = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 24}])
    return packer.compress(start) + b"".join(packer.compress(bytes(2**20)) for _ in range(size >> 20)) + packer.flush()


def kept() -> Iterator[Attack]:
    """JPEGs of few bytes that claim much, to be kept, and such as are said to be kept."""
    keep = ("encode", "{}", "--lossless", "-f", "-o", "{}.ncf")
    header = heads()["jpeg"]
    for side in (1000, 8000, 16000, 65500):
        buffer = io.BytesIO()
        Image.new("L", (min(side, 4000),) * 2, 128).save(buffer, "JPEG", progressive=True)
        data = buffer.getvalue()
        at = data.index(b"\xff\xc2") + 5
        large = data[:at] + struct.pack(">HH", side, side) + data[at + 4 :]
        yield Attack(f"a flat JPEG of {side} x {side}", large, keep)
        scan = data[data.rindex(b"\xff\xda") : -2]
        yield Attack(f"a JPEG of {side} x {side} and 300 scans", large[:-2] + scan * 300 + data[-2:], keep)
        if side < 16000:
            parts = Parts(split(data).rest, bytes(range(1, 200)) * 5)
            claim = replace(sized(header, *[min(side, 4000)] * 2), channels=1)
            yield Attack(f"kept, of {side} x {side}", file_of(claim, [Unit(0, 0, 0, payload.pack(parts))]), DECODE)
    for name, start in (("zeros", b"\0"), ("scans", varint(10**7)), ("marks", b"\1\0\x08" + varint(10**7))):
        whole = b"\1" + alike(start, 2**29)
        unit = Unit(0, 0, 0, payload.pack(Parts(whole, b"1")))
        yield Attack(f"kept, a JPEG's rest of {name}", file_of(header, [unit]), DECODE)
        yield Attack(f"kept, a JPEG's rest of {name}, told", file_of(header, [unit]), INFO)
    claim, unit = replace(header, private=varint(2**29)), Unit(0, 0, 0, bytes([payload.PACKED]) + alike(b"", 2**29))
    yield Attack("kept whole, a JPEG of half a gigabyte", file_of(replace(claim, fingerprint=b""), [unit]), DECODE)
    buffer = io.BytesIO()
    Image.new("L", (64, 48), 128).save(buffer, "JPEG")
    data = buffer.getvalue()
    yield Attack("a JPEG with much behind it", data + bytes(2**25), keep)
    yield Attack("a JPEG of tables", data[:2] + (b"\xff\xdb\0\x43\0" + bytes(64)) * 10**5 + data[2:], keep)
    yield Attack("a JPEG of segments", data[:2] + b"\xff\xe1\0\2" * 10**6 + data[2:], keep)
    yield Attack("a JPEG of markers", data[:2] + b"\xff\xd0" * 10**6 + data[2:], keep)
    at = data.index(b"\xff\xda")
    yield Attack("a JPEG of restarts", data[:at] + b"\xff\xdd\0\4\0\1" + data[at:-2] + b"\xff\xd0" * 10**6, keep)
    rare = data.replace(b"\xff\xc0", b"\xff\xc9", 1).replace(b"\0\x30\0\x40", b"\x10\0\x10\0", 1)
    yield Attack("a rare JPEG of 4096 x 4096 and 300 scans", rare[:-2] + rare[at:-2] * 300 + rare[-2:], keep)
    yield Attack("kept whole, of a size", file_of(header, [Unit(0, 0, 0, payload.pack_whole(bytes(2**24)))]), DECODE)


def shown() -> Iterator[Attack]:
    """Whole videos of few bytes, by the paper's network."""
    for preset in (1, 4):
        for width, height in (*BIG, (4096, 2160), (3840, 2160), (8192, 4096)):
            for frames in (1, 3):
                yield Attack(
                    f"{frames} of {width}x{height}, preset {preset}", still(width, height, 1, frames, preset), DECODE
                )
    for count in (100, 300):
        for chain in (0, 1):
            yield Attack(f"{count} groups of 16x16", still(16, 16, count, 1, chain=chain), DECODE)


def odd_weights() -> Iterator[Attack]:
    """Files named as weights that are none, to encode with."""
    for name, data in (("zeros", bytes(2**20)), ("a long header", b"\xff" * 8 + bytes(100)), ("nested", NESTED)):
        command = ("encode", str(PHOTO), "-f", "-o", "{}.ncf", "--weights", "{}.safetensors")
        yield Attack(f"weights of {name}", data, command)


def counts() -> Iterator[Attack]:
    """Frames and units that are many, or other than there are."""
    for frames in (2_592_000, 100_000, 1_000, 54, 0):
        for header in (sine(), hybrid(16, 16), heads()["s2lic video"]):
            unit = Unit(0, 0, 0, STEADY + KEY, frames)
            name = f"{'stream' if header.stream else header.codec} unit of {frames:,} frames"
            for what, command in (("info", INFO), ("decode", DECODE), ("partial", PARTIAL)):
                yield Attack(f"{name}: {what}", file_of(header, [unit]), command)
    for count in (20_000, 100_001):
        units = [Unit(i, 0, 0, STEADY + (KEY if i == 0 else b"\0"), 1) for i in range(count)]
        stream = [Unit(i, 0, 0, b"", 1) for i in range(count)]
        for name, data in (
            ("sine", file_of(sine(), units)),
            ("stream", file_of(hybrid(16, 16), stream)),
            ("s2lic video", file_of(heads()["s2lic video"], stream)),
            ("sessions", sessions(sine(), units)),
        ):
            for what, command in (
                ("info", INFO), ("info -v", (*INFO, "-v")), ("decode", DECODE), ("partial", PARTIAL),
                ("last frame", (*DECODE, "--frames", f"{count - 1}..{count - 1}", "--png")),
            ):  # fmt: skip
                yield Attack(f"{name} of {count:,} units: {what}", data, command)
    for number in (2**20, 2**20 + 1, 2**63):
        end = b"".join(map(varint, (number, 0, number))) + b"\1\0" * 9 + bytes(4)
        yield Attack(f"an end that lists {number} units", joined(sine(), [(b"Z", end)]), INFO)


def times() -> Iterator[Attack]:
    """Times that no video has."""
    for tick in (1, 2**31 - 1):
        for step in (2**31, 2**48, 2**62, 2**63, 2**64 - 1):
            when = b"\1" + varint(tick) + varint(step)
            unit = Unit(0, 0, 0, when + KEY, 1)
            for what, target in (("mp4", "{}.mp4"), ("mkv", "{}.mkv"), ("y4m", "{}.y4m")):
                command = ("decode", "{}", "-f", "-o", target)
                yield Attack(f"a frame at {step} / {tick} s as {what}", file_of(sine(), [unit]), command)


def sounds() -> Iterator[Attack]:
    """Sound that is none, and where it starts."""
    clip = _clip(b"")
    for start in ("1e300000000", "1e-300000000", "9" * 5000, "1/" + "9" * 4000, "nan", "1_0/3", "-1", "1/0", "\x00"):
        for target in ("{}.mp4", "{}.mkv"):
            data = _clip(sound_file(start))
            yield Attack(f"sound starts at {start[:14]!r}: {target[3:]}", data, ("decode", "{}", "-f", "-o", target))
    for junk in (b"no sound", b"\x1aE\xdf\xa3" + bytes(100), sound_file("0")[:300]):
        for target in ("{}.mp4", "{}.mkv", "{}.y4m"):
            yield Attack(f"sound of {len(junk)} bytes: {target[3:]}", _clip(junk), ("decode", "{}", "-f", "-o", target))
    yield Attack("the clip without it", clip, DECODE)


def bombs() -> Iterator[Attack]:
    """Metadata, packets and tables that swell."""
    import zlib

    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = b"\1" + deflate.compress(bytes(2**30)) + deflate.flush()
    header = heads()["circuit grey"]
    unit = Unit(0, 0, 0, b"\4")
    for tag in (b"e", b"i", b"x"):
        yield Attack(f"a gigabyte of zeros in {tag.decode()}", file_of(header, [unit], [(tag, zeros)]), INFO)
    for count in (1, 100, 2**20, 2**40):
        packets = varint(count) + b"\0\0\1" + b"\3" * 100 + b"x" * 100
        yield Attack(f"{count} packets in few bytes", file_of(hybrid(), [Unit(0, 0, 0, b"", 1, packets)]), DECODE)
    for width, height in BIG:
        stream = Stream(
            "h264", width, height, "444", Fraction(1, 25), extradata=b"\0\0\0\1\x67\x42\0\x0a" + b"\xff" * 40
        )
        unit = Unit(0, 0, 0, b"", 1, b"\1\0\0\1\3x")
        yield Attack(f"H.264 of {width}x{height}", file_of(hybrid(64, 48, stream), [unit]), DECODE)
    for method in range(32):
        for width, height in ((65535, 4096), (4096, 4096)):
            header = sized(heads()["circuit grey"], width, height)
            yield Attack(
                f"method byte {method} of {width}x{height}", file_of(header, [Unit(0, 0, 0, bytes([method]))]), DECODE
            )
    for length in (2**31, 2**40, 2**63):
        frame = section(b"H", b"")[:1] + varint(length)
        yield Attack(f"a head of {length} bytes", MAGIC + b"\1" + frame + bytes(100), INFO)


def archived() -> Iterator[Attack]:
    """Archives of many sessions or segments, and entries that claim what isn't there."""
    bare = joined(hybrid(16, 16), [])[5:]
    whole = file_of(hybrid(16, 16), [Unit(0, 0, 0, b"", 9)])[5:]
    many = Entry(0, "s0", 0, 9, len(whole), bytes(32), bytes(18))
    commands = {
        "list": ("archive", "list", "{}"), "info": ("archive", "info", "{}"), "stats": ("archive", "stats", "{}"),
        "verify": ("archive", "verify", "{}", "x"), "extract": ("archive", "extract", "{}", "x", "-f", "-o", "{}.mp4"),
    }  # fmt: skip
    for count in (1_000, 60_000):
        pointing = replace(many, frames=4, content=0, hashes=b"", like=1)
        later = [
            replace(pointing, number=n, name=f"s{n}", like=n, depends=(n,), segments=(Segment(n, 4),))
            for n in range(1, count)
        ]
        data = archive_of([(whole, many), *((b"", entry) for entry in later)])
        for what in ("list", "stats", *(("info",) if count == 1_000 else ())):
            yield Attack(f"an archive of {count:,} sessions: {what}", data, commands[what])
    segments = tuple(Segment(1, 1, n % 9, Fraction(n)) for n in range(4096))
    pointed = Entry(1, "x", 0, 4096, 0, bytes(32), like=1, depends=(1,), segments=segments)
    claims = {
        "4096 segments": pointed,
        "frames": replace(pointed, frames=2_592_000),
        "a far session": replace(pointed, depends=(2**62,)),
        "a count": replace(pointed, segments=(Segment(1, 2**62),)),
        "content": Entry(1, "x", 0, 9, 2**62, bytes(32), bytes(18)),
        "a number": replace(pointed, number=2**62),
    }
    for name, entry in claims.items():
        for what, command in commands.items():
            yield Attack(f"an archive with {name}: {what}", archive_of([(whole, many), (b"", entry)]), command)
    chain = [(bare, replace(many, name="x", frames=1, content=len(bare), hashes=bytes(2)))]
    yield Attack("an archive without units: verify", archive_of(chain), commands["verify"])


def endless() -> Iterator[Attack]:
    """Standard input without an end."""
    png = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000400000004008020000000000000000")
    for name, start, again in (
        ("zeros", b"", bytes(4096)), ("yes", b"", b"y\n" * 2048), ("a head and zeros", MAGIC + b"\1", bytes(4096)),
        ("a file that goes on", joined(sine(), []), bytes(4096)),
        ("a whole file and more", file_of(heads()["circuit grey"], [Unit(0, 0, 0, b"\4")]), bytes(4096)),
        ("a PNG that goes on", png, bytes(4096)),
    ):  # fmt: skip
        for command in (("info", "-"), ("decode", "-", "-o", "{}.png", "-f"), ("encode", "-", "-o", "{}.ncf", "-f")):
            yield Attack(f"{name}, endless: {command[0]}", start, command, again)


def _clip(sound: bytes) -> bytes:
    import io

    from codec import video
    from codec.codecs.options import Target, VideoOptions
    from codec.media import Info
    from codec.media.video import Video

    shown = pictures(moving(48, 64, 3))
    info = Info(64, 48, frames=0, rate=Fraction(25), color=BT601, metadata={"audio": sound} if sound else {})
    buffer = io.BytesIO()
    options = VideoOptions(Target(quality=40), 1, seconds=0.0)
    video.encode(Video(info, [], 3, lambda: iter(shown)), buffer, options=options, device="cpu")
    return buffer.getvalue()


def run(attack: Attack, folder: Path) -> Found:
    """Give a command the file, and see what it takes."""
    path = folder / "a.ncf"
    path.write_bytes(attack.data)
    Path(f"{path}.safetensors").write_bytes(attack.data)
    arguments = [part.replace("{}", str(path)) for part in attack.command]
    piped = "-" in arguments
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdin=subprocess.PIPE if piped else subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=(folder / "said").open("wb"), env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM)),
    )  # fmt: skip
    begun = time.monotonic()
    if piped:
        assert process.stdin is not None
        try:
            process.stdin.write(attack.data)
            while time.monotonic() < begun + HANG:
                process.stdin.write(attack.endless * 64)
            process.stdin.close()
        except BrokenPipeError:
            pass
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > begun + HANG:
            process.kill()
        time.sleep(0.02)
    process.returncode = os.waitstatus_to_exitcode(status)
    said = (folder / "said").read_text(errors="replace").splitlines()
    return Found(process.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, said)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only attacks whose names hold one of these")
    parser.add_argument("--failed", action="store_true", help="print only what went wrong")
    options = parser.parse_args()
    attacks = [
        a for make in (large, kept, shown, odd_weights, counts, times, sounds, bombs, archived, endless) for a in make()
    ]
    chosen = [a for a in attacks if not options.words or any(word in a.name for word in options.words)]
    failed = refused = 0
    worst = [0.0, 0.0]
    for attack in chosen:
        with tempfile.TemporaryDirectory() as folder:
            found = run(attack, Path(folder))
        line = found.said[-1] if found.said else ""
        wrong = [
            what
            for what, so in (
                ("TIME", found.seconds > SECONDS), ("MEMORY", found.bytes > BYTES),
                ("KILLED", found.code < 0), ("CODE", found.code not in (0, 1) and found.code >= 0),
                ("LINES", found.code == 1 and len(found.said) != 1),
            )
            if so
        ]  # fmt: skip
        failed += bool(wrong)
        refused += found.code == 1
        worst = [max(worst[0], found.seconds), max(worst[1], found.bytes)]
        if wrong or not options.failed:
            took = f"{found.seconds:6.2f} s {found.bytes >> 20:6} MiB  {found.code:3}"
            print(f"{took}  {' '.join(wrong):12} {attack.name}: {line[:150]}", flush=True)
    most = f"{worst[0]:.2f} s, {int(worst[1]) >> 20} MiB"
    print(f"{len(chosen)} attacks: {failed} failed, {refused} refused; at most {most}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
