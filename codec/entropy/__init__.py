"""The entropy backend of all codecs: integer probability tables and a range coder.

Symbols are grouped by table, so that one call of the coder handles each table. Only integers reach
the coder, and tables are stored or made of integers, so every machine decodes the same symbols. A
pass over a model is written once and runs in both directions, with an `Encoder` or a `Decoder`.
"""

from codec.entropy.coder import Coder, Decoder, Encoder
from codec.entropy.tables import Tables, gaussian_tables, tables_from_pmfs

__all__ = ["Coder", "Decoder", "Encoder", "Tables", "gaussian_tables", "tables_from_pmfs"]
