"""What people's files did to comparable tools, row by row: `python tests/bench/cases.py FOLDER [WORD...]`.

FOLDER holds the inputs; with words, only rows whose files have one of them in their names. A row is OK where this codec
behaves as its `right` says. The exit code is 1 if any row fails. Rows are in the modules of `tests/bench/case_rows/`.
"""

import importlib
import pkgutil
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import case_rows


def main(folder: Path, words: list[str]) -> int:
    warnings.simplefilter("ignore")
    failed = 0
    for module in pkgutil.iter_modules(case_rows.__path__):
        for row in importlib.import_module(f"case_rows.{module.name}").ROWS:
            for name in row.files:
                if words and not any(word in name for word in words):
                    continue
                with tempfile.TemporaryDirectory() as work:
                    try:
                        row.check(folder / name, Path(work))
                    except Exception as error:
                        failed += 1
                        print(f"FAIL {name}: right: {row.right}; seen: {type(error).__name__}: {error}", flush=True)
                    else:
                        print(f"OK   {name}: {row.right}", flush=True)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
