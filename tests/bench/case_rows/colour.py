"""Rows about colour: CICP, profiles, gamma."""

import struct
from functools import partial
from pathlib import Path

from case_rows import Row, chunk, coded, same


def cicp(path: Path, work: Path, *, color: tuple[int, int]) -> None:
    found = coded(path)
    same(tuple(found.decoded.info.color[:2]), color)
    same(chunk(found.written("png"), b"cICP"), bytes([*color, 0, 1]))


def profile(path: Path, work: Path) -> None:
    import zlib

    icc = zlib.decompress((chunk(path.read_bytes(), b"iCCP") or b"").partition(b"\0")[2][1:])
    found = coded(path)
    same(found.info.metadata.get("icc"), icc)
    for format in ("png", "jpeg", "tiff", "webp", "avif"):
        same(coded(found.written(format)).info.metadata.get("icc"), icc)


def no_profile(path: Path, work: Path) -> None:
    found = coded(path)
    same("icc" in found.info.metadata, False)
    assert "profile is damaged" in found.notes, found.notes


def chunks(path: Path, work: Path, *, tags: tuple[bytes, ...]) -> None:
    found = coded(path)
    data = found.written("png")
    for tag in tags:
        same(chunk(data, tag), chunk(path.read_bytes(), tag))


def p3_and_profile(path: Path, work: Path) -> None:
    cicp(path, work, color=(12, 13))
    profile(path, work)


def linear(path: Path, work: Path) -> None:
    chunks(path, work, tags=(b"gAMA",))
    same(struct.unpack(">I", chunk(path.read_bytes(), b"gAMA") or b""), (100000,))


KEPT = "a PNG of the same colour (cICP)"
ROWS = [
    Row(("png8_cicp_display_p3.png", "heic_display_p3_nclx.heic"), KEPT, partial(cicp, color=(12, 13))),
    Row(("avif_display_p3_nclx_only.avif",), KEPT, partial(cicp, color=(12, 13))),
    Row(("avif_bt2020_sdr_nclx.avif",), KEPT, partial(cicp, color=(9, 14))),
    Row(("png16_cicp_hlg.png",), KEPT, partial(cicp, color=(9, 18))),
    Row(("png16_cicp_pq_first.png", "heic_hdr_pq.heic"), KEPT, partial(cicp, color=(9, 16))),
    Row(("png16_cicp_pq_after_5kB_exif.png",), "cICP counts wherever it stands", partial(cicp, color=(9, 16))),
    Row(("png8_cicp_p3_after_6kB_iccp.png",), "cICP counts wherever it stands", p3_and_profile),
    Row(("png_icc_1500kB.png",), "read, the profile byte-exact, and what is written is read", profile),
    Row(("png16_bad_iccp.png", "png8_bad_iccp.png"), "read, without the profile, and said", no_profile),
    Row(("png_gama_linear.png",), "gamma is kept", linear),
    Row(("png_gama_chrm_p3.png",), "gamma and primaries are kept", partial(chunks, tags=(b"gAMA", b"cHRM"))),
]
