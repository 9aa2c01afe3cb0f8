"""One way to train a network, most often `cifar10`, kept ready: `bench.py` talks to it by standard input and output.

    python benchmarks/contestant.py copied | book | torch | top | ladder | feeding | peak [PICTURES]

It says "@ready", then for each line that it is sent trains on a round of pictures and answers "@" with JSON: pictures,
seconds. At the end of its input it answers with its largest memory. While it waits it uses no processor.
"""

import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

PICTURES = int(sys.argv[2]) if sys.argv[2:] else 1280
BATCH = 128
CLASSES = tuple("0123456789")
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def say(**what):
    """One answer to bench.py; whatever else a library prints does not begin with @."""
    print("@" + json.dumps(what), flush=True)


def rounds():
    """Waits for bench.py to ask for the next round; ends with its input."""
    say(ready=True)
    for _ in sys.stdin:
        yield
    from alexnet import speed

    say(memory=speed.process_memory())


def pictures():
    """Random uint8 pictures and labels: a step takes as long on noise as on photographs."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (PICTURES, 32, 32, 3), dtype="uint8"), rng.integers(0, 10, PICTURES)


def copied():
    """The widely copied script, `fit` and all."""
    import copied_script

    model = copied_script.network()
    x, y = copied_script.prepare(*pictures())
    model.fit(x, y, batch_size=copied_script.BATCH_SIZE, verbose=0)
    for _ in rounds():
        began = time.perf_counter()
        model.fit(x, y, batch_size=copied_script.BATCH_SIZE, verbose=0)
        say(pictures=len(x), seconds=time.perf_counter() - began, precision="float32")


class _Enough(Exception):
    """Ends a training from inside."""


def _noise():
    from alexnet import data

    x, y = pictures()
    return data.Dataset(x, y, x[:10], y[:10], CLASSES, "noise")


def book():
    """The book's own `train`, on the backend that KERAS_BACKEND names."""
    from alexnet import training

    _train("cifar10", training.Recipe(batch_size=BATCH))


def top():
    """The last rung of the ladder, with its own network."""
    from alexnet import ladder

    _train(ladder.RUNGS[-1].network, ladder.RUNGS[-1].recipe)


def _train(network, recipe):
    """`training.train`; a round is an epoch, the first one apart."""
    import dataclasses

    from alexnet import training

    asked = rounds()

    def report(row, model):
        if row["epoch"] > 1:
            say(pictures=PICTURES, seconds=row["seconds"], precision=model.get_layer("conv1").compute_dtype)
        if next(asked, _Enough) is _Enough:
            raise _Enough

    try:
        endless = dataclasses.replace(recipe, epochs=1000)
        training.train(network, _noise(), endless, progress=False, on_epoch=report)
    except _Enough:
        pass


def torch():
    """The same network and step as a good PyTorch user writes them: channels last, autocast, a fused optimizer."""
    import torch
    from torch import nn

    from alexnet import training

    # The book's rule for when a CPU gains from it.
    bfloat16 = training.device().fast_precision == "mixed_bfloat16"
    torch.manual_seed(0)

    def conv(inputs, outputs, padding=1):
        return [nn.Conv2d(inputs, outputs, 3, padding=padding), nn.ReLU(inplace=True)]

    model = nn.Sequential(
        *conv(3, 96, 0),
        nn.MaxPool2d(2),
        *conv(96, 256),
        nn.MaxPool2d(2),
        *conv(256, 384),
        *conv(384, 384),
        *conv(384, 256),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(2304, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Linear(4096, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Linear(4096, 10),
    ).to(memory_format=torch.channels_last)
    kernels = [p for p in model.parameters() if p.ndim > 1]
    biases = [p for p in model.parameters() if p.ndim == 1]
    optimizer = torch.optim.SGD(
        [{"params": kernels, "weight_decay": 0.0005}, {"params": biases}],
        lr=0.01,
        momentum=0.9,
        nesterov=True,
        fused=True,
    )
    x, y = (torch.from_numpy(part) for part in pictures())
    x = x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    mean = x.float().mean((0, 2, 3), keepdim=True)

    def augmented(batch):
        batch = torch.where(torch.rand(len(batch), 1, 1, 1) < 0.5, batch.flip(3), batch)
        padded = nn.functional.pad(batch.float(), (2, 2, 2, 2), mode="reflect")
        down, right = torch.randint(0, 5, (2,)).tolist()
        return padded[:, :, down : down + 32, right : right + 32] - mean

    def epoch():
        for chosen in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
                logits = model(augmented(x[chosen]))
            loss = nn.functional.cross_entropy(logits.float(), y[chosen])
            loss.backward()
            optimizer.step()
            loss.item()

    epoch()
    for _ in rounds():
        began = time.perf_counter()
        epoch()
        seconds = time.perf_counter() - began
        say(pictures=len(x), seconds=seconds, precision="bfloat16" if bfloat16 else "float32")


def ladder():
    """What the ladder's chapter gives seconds for, in turn: five epochs each, the first to build the graph."""
    import dataclasses

    from alexnet import data, ladder, training

    x, y = pictures()
    for _ in rounds():
        rates = {}
        for rung in ladder.TIMED:
            times = rung.recipe.batch_size // BATCH
            noise = data.Dataset(np.tile(x, (times, 1, 1, 1)), np.tile(y, times), x[:10], y[:10], CLASSES, "noise")
            recipe = dataclasses.replace(rung.recipe, epochs=5)
            run = training.train(rung.network, noise, recipe, progress=False)
            rates[rung.name] = [times * PICTURES / row["seconds"] for row in run.history[1:]]
        say(rates=rates)


def feeding():
    """The last rung on ten rounds of pictures: its epochs, and what a step's batch costs before it is handed over."""
    import dataclasses

    from alexnet import data, ladder, training

    x, y = (np.tile(part, (10,) + (1,) * (part.ndim - 1)) for part in pictures())
    noise = data.Dataset(x, y, x[:10], y[:10], CLASSES, "noise")
    order = np.random.default_rng(0).permutation(len(x))
    for _ in rounds():
        run = training.train(
            ladder.RUNGS[-1].network, noise, dataclasses.replace(ladder.RUNGS[-1].recipe, epochs=3), progress=False
        )
        began = time.perf_counter()
        for first in range(0, len(x), BATCH):
            chosen = order[first : first + BATCH]
            _ = x[chosen], y[chosen]
        batches = time.perf_counter() - began
        say(epochs=[[row["seconds"], row["first_step"]] for row in run.history], batches=batches, steps=len(x) // BATCH)


def peak():
    """Large matrix products in TensorFlow: operations a second, float32 and bfloat16."""
    from alexnet import speed

    kinds = {kind: speed.products(precision) for kind, precision in PRECISIONS.items()}
    for _ in rounds():
        say(peak={kind: max(once() for _ in range(2)) for kind, once in kinds.items()})


if __name__ == "__main__":
    {f.__name__: f for f in (copied, book, torch, top, ladder, feeding, peak)}[sys.argv[1]]()
