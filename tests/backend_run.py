"""What tests/test_backends.py runs in a process of its own for each Keras backend; prints one JSON object.

Weights are drawn with NumPy, so that every backend computes the same network.
"""

import dataclasses
import json
import sys

import keras
import numpy as np

from alexnet import architecture, data, ladder, layers, model, training
from conftest import tiny

rng = np.random.default_rng(0)
maps = rng.normal(scale=30, size=(2, 5, 6, 12)).astype("float32")
result = {
    "backend": keras.backend.backend(),
    "lrn": keras.ops.convert_to_numpy(layers.LocalResponseNormalization(groups=2)(maps)).ravel().tolist(),
    "lrn as in the code": keras.ops.convert_to_numpy(layers.LocalResponseNormalization(alpha_over_n=True)(maps))
    .ravel()
    .tolist(),
    "spatial": keras.ops.convert_to_numpy(layers.SpatialResponseNormalization(3)(maps)).ravel().tolist(),
}

pictures = rng.integers(0, 256, (2, 8, 8, 3), dtype="uint8")
cut = layers.Augmentation(flip=False, shift=0, crop=6, seed=0)(pictures, training=True)
result["windows are windows"] = sorted(
    any(np.array_equal(one, whole[r : r + 6, c : c + 6]) for r in range(3) for c in range(3))
    for one, whole in zip(keras.ops.convert_to_numpy(cut), pictures, strict=True)
)
noisy = layers.PCAColorNoise(np.eye(3), [50, 10, 5], seed=0)(pictures, training=True)
result["noise is one colour"] = bool(np.ptp(keras.ops.convert_to_numpy(noisy) - pictures, axis=(1, 2)).max() < 1e-3)

if result["backend"] == "torch":
    import torch

    theirs = torch.nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2.0)(torch.tensor(maps).permute(0, 3, 1, 2))
    result["torch's own LRN"] = theirs.permute(0, 2, 3, 1).ravel().tolist()

result["parameters"] = {}
for name in architecture.PRESETS:
    built = model.build(name, classes=10)
    result["parameters"][name] = built.count_params()
    if name == "code-2012":
        fan = [rng.normal(scale=np.sqrt(2 / max(1, np.prod(w.shape[:-1]))), size=w.shape) for w in built.weights]
        built.set_weights([f.astype("float32") for f in fan])
        picture = rng.normal(size=(1, 224, 224, 3)).astype("float32")
        result["logits"] = built.predict(picture, verbose=0).ravel().tolist()

net = tiny._get_wrapped_function()()
recipe = training.Recipe(epochs=2, batch_size=50, learning_rate=0.03, schedule="constant", precision="float32")
run = training.train(net, data.patches10(500, 100), recipe, progress=False)
result["losses of 20 steps"] = [row["loss"] for row in run.history]
today = dataclasses.replace(recipe, optimizer="muon", momentum=0.6, label_smoothing=0.1, cutout=4)
shape = ladder.Shape((8,) * 5, (3,) * 5, "relu", plan="pool first", whitening=2, normalisation="batch", head="max")
run = training.train(shape.network(), data.patches10(500, 100), today, progress=False)
result["losses with today's tricks"] = [row["loss"] for row in run.history]
result["environment"] = run.environment["backend"]
json.dump(result, sys.stdout)
