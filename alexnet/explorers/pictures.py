"""Pictures of a dataset as the explorers' front ends take them. Without a widget package: the site's build uses it."""

import base64
import io

import numpy as np


def png(pixels, *, packed=True) -> str:
    """A PNG in base64 of (height, width, channels) uint8, with one channel or three.

    Not `packed`, its bytes are the same with every version of zlib.
    """
    from PIL import Image

    buffer = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))
    image.save(buffer, "PNG", **({"optimize": True} if packed else {"compress_level": 0}))
    return base64.b64encode(buffer.getvalue()).decode()


def first_of_each_class(dataset) -> list[int]:
    """The number of the first test picture of each class."""
    return [int(np.flatnonzero(dataset.y_test == label)[0]) for label in np.unique(dataset.y_test)]


def from_test_set(dataset, indices) -> dict:
    """Test pictures, as the content of the asset cifar10-samples.json; numbers beyond the last are left out."""
    pictures = [
        {"index": int(n), "label": int(dataset.y_test[n]), "png": png(dataset.x_test[n])}
        for n in indices
        if n < len(dataset.x_test)
    ]
    return {"class_names": list(dataset.class_names), "source": dataset.provenance, "pictures": pictures}
