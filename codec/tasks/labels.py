"""The `labels.csv` beside a folder's pictures: `index` of a class, `segmentation` by a person, `mask` of classes."""

from __future__ import annotations

import csv
from pathlib import Path

from codec.errors import CodecError

FILE = "labels.csv"
CLASSES = ("file", "index")
SEGMENTATIONS = ("image", "segmentation")
MASKS = ("file", "mask")
_LAYOUTS = (CLASSES, SEGMENTATIONS, MASKS)


def rows(folder: Path, columns: tuple[str, str]) -> list[tuple[int, str, str]]:
    """Line number and the two columns' text, line by line; none without the file, or where it is for another task.

    CodecError for a file with columns of no task, or with a line that lacks one of them.
    """
    path = folder / FILE
    try:
        with path.open(newline="", encoding="utf-8-sig") as fp:
            reader = csv.DictReader(fp)
            header = set(reader.fieldnames or ())
            if not header.issuperset(columns):
                if any(header.issuperset(other) for other in _LAYOUTS):
                    return []
                raise CodecError(f"{path}: no columns {' and '.join(columns)}; name them in the first line")
            found = []
            for row in reader:
                first, second = (row[c] for c in columns)
                if not first or not second:
                    raise CodecError(f"{path}, line {reader.line_num}: {' or '.join(columns)} is empty; fill it in")
                found.append((reader.line_num, first, second))
            return found
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise CodecError(f"{path}: can't be read as CSV in UTF-8 ({e}); write it again") from None
