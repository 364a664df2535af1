"""The one place that imports CompressAI: for its zoo models as peers, and as the oracle of our tests."""

from types import ModuleType


def import_compressai() -> ModuleType:
    """CompressAI, also where torchvision's compiled operators don't fit a CPU-only torch.

    There `import compressai` fails with "operator torchvision::nms does not exist" (pytorch issue 157648):
    torchvision registers shape functions for operators that its library would have defined. Defining their
    schemas first lets the import through; nothing of ours or of the zoo calls them.
    """
    import torch

    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _KEPT.append(library)  # the schemas live as long as this object
    import compressai

    return compressai


_KEPT: list[object] = []
