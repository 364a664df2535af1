"""Which folders are installed, and under what names; the rest is in pyproject.toml and setup.cfg."""

from setuptools import find_packages, setup

# These top-level folders are installed inside `codec`, so that a user's own `models/` or `cli/` beside his script never
# shadows ours.
PARTS = ("models", "cli", "assets")

setup(
    packages=[
        *find_packages(include=["codec", "codec.*"]),
        *(f"codec.{name}" for part in PARTS for name in find_packages(include=[part, f"{part}.*"])),
    ],
    package_dir={f"codec.{part}": part for part in PARTS},
    # For file managers, beside those of other programs: below ~/.local with --user, below /usr or /usr/local for all.
    data_files=[
        ("share/thumbnailers", ["assets/share/thumbnailers/codec-ncf.thumbnailer"]),
        ("share/mime/packages", ["assets/share/mime/packages/codec-ncf.xml"]),
    ],
)
