"""The bases that nirvana's descriptor offers are the encoders of standard streams."""

from codec.codecs.nirvana import BASES
from codec.standard.encoders import ENCODERS


def test_bases_are_the_encoders_that_there_are() -> None:
    assert tuple(ENCODERS) == BASES
