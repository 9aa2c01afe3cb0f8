"""The explorers: widgets that work live in a notebook and, without a kernel, on the published page.

`base.Explorer` says how one is made. In a notebook, the last line of a cell shows one:

    from alexnet import explorers
    explorers.SoftmaxExplorer(logits=[2, 1, 0.1], true_class=0)
"""

import importlib

_HOMES = {
    "ActivationExplorer": "activation",
    "ArchitectureExplorer": "towers",
    "ConvolutionExplorer": "convolution",
    "DropoutExplorer": "dropout",
    "Explorer": "base",
    "FeatureMapExplorer": "featuremaps",
    "LRNExplorer": "lrn",
    "Recording": "replay",
    "ReplayExplorer": "replay",
    "SoftmaxExplorer": "softmax",
    "TimelineExplorer": "timeline",
}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return __all__
