"""Lossless coding with probabilistic circuits, in integers that every machine computes alike.

`tour` codes latent trees, `general` any structured-decomposable circuit; both run in both directions.
Needs numpy and the entropy backend only, no torch.
"""
