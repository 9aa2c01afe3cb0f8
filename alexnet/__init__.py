"""The code behind *Inside AlexNet*. Importing it is instant: nothing heavy loads before it is used."""

import importlib

__version__ = "0.1.0"

_ROOMS = (
    "architecture",
    "data",
    "explorers",
    "facts",
    "imagenet",
    "ladder",
    "layers",
    "model",
    "optimizers",
    "plots",
    "probing",
    "training",
)

__all__ = ["__version__", *_ROOMS]


def __getattr__(name):
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
