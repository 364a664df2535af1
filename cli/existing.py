"""What is done where a file has an output's name already. No original is replaced for a name that -o doesn't give.

A file that -o names is refused, and replaced with -f. Under a name that the command makes up, -f replaces only what
`codec` has made; anything else stays, and the output gets another name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count

from codec import urls
from codec.cli.files import STDIO, FileId, Job, Names, check, file_ids, place
from codec.errors import CodecError
from codec.output import clear

_SUFFIXES = (".ncf", ".png", ".jpg", ".mp4")  # of names that commands make up


class Existing:
    """Settles the outputs of a batch, one after the other. `inputs`: `file_ids` of all sources; `output`: what -o says;
    `force`, `skip`: -f and --skip-existing; `dry`: nothing is made or cleared."""

    def __init__(
        self, jobs: list[Job], inputs: Mapping[FileId, str], output: str | None, names: Names, force: bool, skip: bool,
        dry: bool = False,
    ) -> None:  # fmt: skip
        self._inputs, self._output, self._names, self._force, self._skip = inputs, output, names, force, skip
        self._dry = dry
        self._wanted = {place(job.target) for job in jobs}

    def settled(self, job: Job) -> Job | None:
        """The job with its last name and whether it may replace what has that; None if it is to be skipped.

        CodecError or OSError for what is refused.
        """
        if job.target == STDIO:
            check(job, self._inputs, not self._dry)
            return job
        if urls.is_url(job.target):
            return self._behind_url(job)
        if job.target == self._output:
            return self._named(job)
        return self._unnamed(job)

    def _behind_url(self, job: Job) -> Job | None:
        """As of files on a disk, but that an output gets no other name."""
        check(job, self._inputs, not self._dry)
        if urls.exists(job.target):
            if self._skip:
                return None
            if not self._force:
                raise _exists(job.target)
            if job.target != self._output and not self._names.replaceable(job.target, job.source):
                raise CodecError(f"the output {job.target} exists already and isn't codec's; name another with -o")
        return replace(job, replace=self._force)

    def _named(self, job: Job) -> Job | None:
        check(job, self._inputs, not self._dry)
        self._clear(job.target)
        if os.path.isfile(job.target):
            if self._skip:
                return None
            if not self._force:
                raise _exists(job.target)
        return replace(job, replace=self._force)

    def _unnamed(self, job: Job) -> Job | None:
        for target in self._candidates(job.target):
            found = replace(job, target=target, taken="" if target == job.target else job.target)
            key = place(target)
            if not os.path.lexists(target):
                if found.taken and key in self._wanted:
                    continue
            elif self._skip and self._may_be_output(target, job.source):
                self._clear(target)
                return None
            elif os.path.isdir(target) or (not self._names.apart and self._is_input(target)):
                check(found, self._inputs, not self._dry)
            elif self._is_input(target) or not self._names.replaceable(target, job.source):
                continue
            elif self._force:
                found = replace(found, replace=True)
            else:
                raise _exists(target)
            check(found, self._inputs, not self._dry)
            self._clear(target)
            self._wanted.add(key)
            return found
        raise CodecError(
            f"the output {job.target} exists already; name another with -o, since what is there isn't codec's"
        )

    def _candidates(self, target: str) -> Iterator[str]:
        """The name, and what is taken in place of it."""
        yield target
        if self._names.apart:
            stem, suffix = os.path.splitext(target)
            stem, suffix = (stem, suffix) if suffix.lower() in _SUFFIXES else (target, "")
            yield f"{stem}.{self._names.apart}{suffix}"
            for number in count(2):
                yield f"{stem}.{self._names.apart}-{number}{suffix}"

    def _clear(self, target: str) -> None:
        if not self._dry:
            clear(target)

    def _is_input(self, target: str) -> bool:
        return any(same in self._inputs for same in file_ids([target]))

    def _may_be_output(self, target: str, source: str) -> bool:
        """Whether what is there may have come of the source, seen from outside; beside it an original lies, too."""
        if self._is_input(target):
            return False
        if not self._names.apart:
            return not os.path.isdir(target)
        if os.path.dirname(place(target)) != os.path.dirname(place(source)):
            return True
        try:
            return os.stat(target).st_mtime_ns > os.stat(source).st_mtime_ns
        except (OSError, ValueError):
            return False


def _exists(target: str) -> CodecError:
    return CodecError(f"the output {target} exists already; name another with -o, or overwrite it with -f")
