"""The .ncf file: a head, metadata and independently decodable units in checksummed sections.

    write(fp, header, units)          front to back, never seeks: works on a pipe
    read(fp) -> header, units         one unit in memory at a time: works on a pipe
    read_header / read_index / read_unit / append / recover / salvage
    read_directory(fp)                the sessions of an archive, whose contents are such files

Byte-exact specification: codec/FORMAT.md. Bytes only; what a payload means is the codec's business.
"""

from codec.container.clip import pack_last, pack_tags, unpack_last, unpack_tags
from codec.container.directory import Directory, Placed, is_archive, read_directory
from codec.container.header import SRGB, Color, Header
from codec.container.index import Index, append, read_index, read_unit, recover
from codec.container.limits import ANY_SIZE, LIMITS, Limits
from codec.container.metadata import METADATA_TAGS, pack_chunks, unpack_chunks
from codec.container.salvage import salvage
from codec.container.sections import MAGIC, SUFFIX, VERSION
from codec.container.sessions import Entry, Segment, check_name, pack_archive, pack_entry
from codec.container.standard import CHROMA, STANDARDS, Stream
from codec.container.stream import pack_bare, read, read_bare, read_header, to_bytes, write
from codec.container.units import UNIT_BYTES, Unit

__all__ = [
    "ANY_SIZE",
    "CHROMA",
    "LIMITS",
    "MAGIC",
    "METADATA_TAGS",
    "SRGB",
    "STANDARDS",
    "SUFFIX",
    "UNIT_BYTES",
    "VERSION",
    "Color",
    "Directory",
    "Entry",
    "Header",
    "Index",
    "Limits",
    "Placed",
    "Segment",
    "Stream",
    "Unit",
    "append",
    "check_name",
    "is_archive",
    "pack_archive",
    "pack_bare",
    "pack_chunks",
    "pack_entry",
    "pack_last",
    "pack_tags",
    "read",
    "read_bare",
    "read_directory",
    "read_header",
    "read_index",
    "read_unit",
    "recover",
    "salvage",
    "to_bytes",
    "unpack_chunks",
    "unpack_last",
    "unpack_tags",
    "write",
]
