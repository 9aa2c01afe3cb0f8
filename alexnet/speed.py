"""How fast training is here: what was found, the device's own limits, steps measured against them, and what fits.

Operations are counted as in `Architecture.training_operations`: a multiplication and an addition for each MAC, once
forward and twice back, less the gradient by the pictures, which nothing needs.

Run as `python -m alexnet.speed JSON` it measures one thing in a process of its own and answers in JSON; so
`in_own_process` measures memory that nothing else has used, and outlives a step that the system kills.
"""

from __future__ import annotations

import gc
import html
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alexnet import architecture

# "tf32" keeps float32 everywhere but rounds what is multiplied to ten binary places, on GPUs that have units for it.
PRECISIONS = ("float32", "tf32", "mixed_bfloat16", "mixed_float16")


# What a container is allowed of the machine's memory: bytes, or the word "max".
_ALLOWED = Path("/sys/fs/cgroup/memory.max")

# How the profiler names an operation of a graph, and the run of a part of it that XLA has compiled for a CPU.
_OPERATION = re.compile(r"[\w./-]+:\w+")
_COMPILED = re.compile(r"\w*CpuExecutable::Execute\w*")


@dataclass(frozen=True, repr=False)
class Table:
    """Rows of strings under a head, as text or as a table of a page. words: they are sentences rather than numbers."""

    caption: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    words: bool = False

    def __repr__(self):
        return architecture.text_table(self.head, self.rows)

    def _repr_html_(self):
        return architecture.html_table(html.escape(self.caption), self.head, self.rows, words=self.words)


def found():
    """What there is to train on, and what the book will do with it, as a `Table`."""
    from alexnet import training

    here, environment, budget = training.device(), training.environment(), training.budget()
    size, where = memory()
    rows = [
        ("backend", environment["backend"], "runs the networks; set KERAS_BACKEND for another"),
        ("device", here.name, f"trains on it: {here.kind}"),
        ("how many", str(here.count), _how_many(here)),
        ("memory", "not told" if size is None else size_of(size), f"of the {where}; halves a batch that does not fit"),
    ]
    if here.kind == "GPU":
        capability = training.gpus()[0][1]
        units = {
            "mixed_bfloat16": "its matrix units take bfloat16 and TF32",
            "mixed_float16": "its matrix units take float16, neither bfloat16 nor TF32",
            "float32": "it has no matrix units",
        }[here.fast_precision]
        rows.append(("compute capability", ".".join(map(str, capability)), units))
        rows.append(("driver", driver() or "not told", "written into records"))
    rows += [
        ("precision", here.fast_precision, _why(here)),
        ("batch size", str(training.Recipe().batch_size), "pictures a step, as in 2012"),
        ("profile", budget.profile, str(budget).partition(": ")[2].partition("profile: ")[2]),
    ]
    return Table(
        "What was found, and what the book does with it", ("", "found", "what the book does"), rows, words=True
    )


def _how_many(here):
    if here.kind == "CPU":
        return "cores, all of them used"
    return "used" if here.count == 1 else "the first is used; training on several has a chapter of its own"


def _why(here):
    return {
        "float32": "in full: nothing shorter was seen to be faster here",
        "mixed_bfloat16": "products of 16 bits with the range of float32",
        "mixed_float16": "products of 16 bits, the loss scaled up so that small gradients stay above zero",
    }[here.fast_precision]


def size_of(count):
    """Bytes, as people write them."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def driver():
    """The version of NVIDIA's driver, or None where its tool `nvidia-smi` does not tell."""
    return _nvidia("driver_version")


def _nvidia(what):
    command = ["nvidia-smi", f"--query-gpu={what}", "--format=csv,noheader,nounits"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0].strip()
    except (OSError, subprocess.CalledProcessError, IndexError):
        return None


def memory():
    """(bytes, of what) that training may use: a GPU's memory, else the machine's; bytes is None where nothing tells."""
    from alexnet import training

    if training.device().kind == "GPU":
        told = _nvidia("memory.total")
        return (int(told) * 2**20 if told and told.isdigit() else None), "GPU"
    if not hasattr(os, "sysconf"):
        return None, "machine"
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if _ALLOWED.exists() and _ALLOWED.read_text().strip().isdigit():
        size = min(size, int(_ALLOWED.read_text()))
    return size, "machine"


def peak_memory():
    """(bytes, of what): the most that was in use at once so far.

    "device": what the backend had handed out of a GPU's memory. "process": of the whole process, Python and libraries
    included, where there is no GPU. (None, "process") on systems that do not tell.
    """
    import keras

    from alexnet import training

    if training.device().kind == "GPU":
        tell = {"tensorflow": _tensorflow_peak, "jax": _jax_peak, "torch": _torch_peak}
        return tell[keras.backend.backend()](), "device"
    return process_memory(), "process"


def process_memory():
    """The most bytes of the machine's memory that this process has had at once; None on systems that do not tell."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage would, on Linux, begin with what the process had that started this one.
        kilobytes = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:")).split()[1]
        return 1024 * int(kilobytes)
    try:
        import resource
    except ImportError:
        return None
    # macOS counts in bytes, others in kilobytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _tensorflow_peak():
    import tensorflow as tf

    return tf.config.experimental.get_memory_info("GPU:0")["peak"]


def _jax_peak():
    import jax

    return next(d for d in jax.devices() if d.platform == "gpu").memory_stats()["peak_bytes_in_use"]


def _torch_peak():
    import torch

    return torch.cuda.max_memory_allocated()


def use_precision(precision):
    """Set how products of float32 numbers are computed; returns the Keras dtype policy of a network of this precision.

    Backends differ in what they do with float32 on a GPU if nothing is said, so this says it: "float32" computes in
    full, "tf32" rounds the factors on the way in. What mixed precision leaves in float32 is left to the backend.
    Raises ValueError for an unknown precision, or for "tf32" where the device has no units for it.
    """
    import keras

    from alexnet import training

    if precision not in PRECISIONS:
        raise ValueError(f"precision is one of {', '.join(PRECISIONS)}; got {precision!r}")
    if precision == "tf32" and not any(capability >= (8, 0) for _, capability in training.gpus()):
        raise ValueError("tf32 needs a GPU of compute capability 8.0 or more, and there is none here")
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(precision != "float32")
    elif backend == "jax":
        import jax

        ways = {"float32": "float32", "tf32": "tensorfloat32"}
        jax.config.update("jax_default_matmul_precision", ways.get(precision))
    else:
        import torch

        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "float32"
    return "float32" if precision == "tf32" else precision


def products(precision="float32", size=None):
    """A function that multiplies large square matrices and returns operations a second.

    precision: as in `use_precision`; the 16-bit ones multiply matrices of 16 bits. size: rows of the matrices; by
    default 2048 on a CPU and 8192 on a GPU. Each call takes the better of what the backend has: on TensorFlow the
    product as it is and compiled by XLA.
    """
    from alexnet import training

    kind = use_precision(precision).removeprefix("mixed_")
    large = training.device().kind == "GPU"
    size = size or (8192 if large else 2048)
    # So scaled, products of products neither grow nor vanish.
    square = np.random.default_rng(0).normal(scale=size**-0.5, size=(size, size))
    rate = _rate(lambda left, right: left @ right, square, kind, 2 * size**3, 10 if large else 3)

    def once():
        use_precision(precision)
        return rate()

    return once


def copies(size=None):
    """A function that copies a large float32 matrix, signs changed, and returns bytes a second, read and written.

    size: rows of the square matrix; by default 4096 on a CPU (64 MiB) and 16384 on a GPU (1 GiB). The copy goes to
    memory that is newly allocated, as the output of a layer does.
    """
    from alexnet import training

    large = training.device().kind == "GPU"
    size = size or (16384 if large else 4096)
    square = np.ones((size, size))
    return _rate(lambda left, right: -right, square, "float32", 2 * 4 * size**2, 10 if large else 3)


def _rate(function, square, kind, work, times):
    """A function that applies `function` to the matrix and its own last result, and returns work a second."""
    import keras

    start = keras.ops.cast(keras.ops.convert_to_tensor(square.astype("float32")), kind)
    ways = _compiled(function)

    def once(way):
        result, began = start, time.perf_counter()
        for _ in range(times):
            result = way(start, result)
        # The last number waits for all that was asked for, and little else has to travel.
        float(keras.ops.convert_to_numpy(keras.ops.cast(result[0, 0], "float32")))
        return times * work / (time.perf_counter() - began)

    for way in ways:
        once(way)
    return lambda: max(once(way) for way in ways)


def _compiled(function):
    """The function in each way in which the backend would run it inside a network."""
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return [tf.function(function, jit_compile=compiled) for compiled in (False, True)]
    if backend == "jax":
        import jax

        return [jax.jit(function)]
    return [function]


def training_step(preset, batch_size, precision="float32", *, eager=False, xla=None, batches=None):
    """A function that makes one training step of a network, with the book's optimizer, and returns when it is done.

    Called with pictures and labels it trains on these, else on the next of `batches`.

    preset: as in `model.build`. precision: as in `use_precision`.
    eager: run operation by operation, without a graph. xla: compile with XLA, or not; None is the book's choice for the
    device (`training.compile_for_here`).
    batches: an iterator of (pictures, labels), pictures 0 to 255; by default one random batch of uint8 that lies on the
    device, so that nothing but the step is measured. A step takes as long on noise as on photographs.
    """
    import keras

    from alexnet import model, training

    net = architecture.get(preset)
    network = model.build(
        net,
        preprocessing=keras.layers.Rescaling(1 / 127.5, -1, name="scale"),
        initializer="he_normal",
        weight_decay=0.0,
        precision=use_precision(precision),
    )
    training.compile_for_here(network, training.Recipe(learning_rate=0.001).make_optimizer())
    network.run_eagerly = eager
    if xla is not None:
        network.jit_compile = xla
    batches = batches or itertools.repeat(tuple(map(keras.ops.convert_to_tensor, noise(net, batch_size))))

    def step(*batch):
        use_precision(precision)
        # Its results are numbers of Python's, so it has waited for the device.
        return network.train_on_batch(*(batch or next(batches)), return_dict=True)

    return step


def noise(preset, count):
    """Random pictures (count, height, width, channels) uint8 of a network's size, and random labels (count,) int64."""
    net, rng = architecture.get(preset), np.random.default_rng(0)
    return rng.integers(0, 256, (count, *net.input_shape), dtype="uint8"), rng.integers(0, net.classes, count)


def seconds_of(step, steps=1):
    """Seconds a call, over `steps` calls one after the other."""
    began = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - began) / steps


def in_turn(calls, rounds=5, enough=0.5, beside=None):
    """Call every function of a dict in turn, each for `enough` seconds or once: {name: [seconds a call in each round]}.

    What else a machine does changes from minute to minute; in turn it disturbs all alike, and the ratios of one round
    say more than any time. The first call of each, which builds its graph, comes before and is not counted.
    beside: a function that is called before every round and after the last; what it returned is under the key None.
    """
    counts = {}
    for name, call in calls.items():
        call()
        counts[name] = max(1, round(enough / seconds_of(call)))
    measured = {name: [] for name in (*calls, None)}
    for number in range(rounds + 1):
        if beside:
            measured[None].append(beside())
        for name, call in calls.items() if number < rounds else ():
            measured[name].append(seconds_of(call, counts[name]))
    return measured


def switches(cases, rounds=5, enough=0.5):
    """Training steps measured in turn, a row for each case: how fast, and how many times as fast as the first.

    cases: {name: the arguments of `training_step`}. A row has name, batch_size, precision, images_per_second, ratio (to
    the first case in the same round) and share_of_peak (of products in the case's own precision), one for each round.
    """
    steps = {name: training_step(**settings) for name, settings in cases.items()}
    own = {name: settings.get("precision", "float32") for name, settings in cases.items()}
    peaks = {precision: products(precision) for precision in own.values()}
    measured = in_turn(steps, rounds, enough, lambda: {precision: peak() for precision, peak in peaks.items()})
    rows = []
    for name, settings in cases.items():
        size, operations = settings["batch_size"], architecture.get(settings["preset"]).training_operations
        rates = [size / seconds for seconds in measured[name]]
        rows.append(
            {
                "name": name,
                "batch_size": size,
                "precision": own[name],
                "images_per_second": rates,
                "ratio": ratios(rates, rows[0]["images_per_second"] if rows else rates),
                "share_of_peak": shares(rates, operations, [peak[own[name]] for peak in measured[None]]),
            }
        )
    return rows


def ratios(rates, others):
    """One rate over the other, round by round."""
    return [rate / other for rate, other in zip(rates, others, strict=True)]


def spread(values):
    """{"median", "low", "high"} of some numbers."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def measure(network, batch_size, precision="float32", *, rounds=5, steps=1):
    """Training steps of a preset (as `training_step` makes them) beside the peak of matrix products, as a dict.

    images_per_second: of each round of so many steps. peak: operations a second of `products` before each round and
    after the last. share_of_peak: of each round, of the higher of the two peaks around it.
    first_step: seconds, building the graph and compiling included. training_operations: for one picture.
    memory: {"bytes", "of", "before"} as `peak_memory` gives it after two steps, and before there was a network.
    """
    before, _ = peak_memory()
    step = training_step(network, batch_size, precision)
    first = seconds_of(step)
    step()
    most, of = peak_memory()
    peak = products(precision)
    peaks, rates = [peak()], []
    for _ in range(rounds):
        rates.append(batch_size / seconds_of(step, steps))
        peaks.append(peak())
    operations = architecture.get(network).training_operations
    return {
        "network": network,
        "batch_size": batch_size,
        "precision": precision,
        "images_per_second": rates,
        "first_step": first,
        "steps_a_round": steps,
        "training_operations": operations,
        "peak": peaks,
        "share_of_peak": shares(rates, operations, peaks),
        "memory": {"bytes": most, "of": of, "before": before},
    }


def cells(row):
    """A row of `measure` for a table: network, batch, precision, images a second, first step, memory, share of peak."""
    start = (row["network"], str(row["batch_size"]), row["precision"])
    if "failed" in row:
        return (*start, row["failed"])
    rate, share = spread(row["images_per_second"]), spread(row["share_of_peak"])
    most = row["memory"]["bytes"]
    return (
        *start,
        f"{rate['median']:.4g} ({rate['low']:.4g} to {rate['high']:.4g})",
        f"{row['first_step']:.1f} s",
        f"{'not told' if most is None else size_of(most)} ({row['memory']['of']})",
        f"{share['median']:.0%} ({share['low']:.0%} to {share['high']:.0%})",
    )


def shares(rates, operations, peaks):
    """The share of the peak in each round: pictures a second times operations a picture, of the higher peak beside it.

    peaks: operations a second, one before each round and one after the last.
    """
    around = zip(rates, itertools.pairwise(peaks), strict=True)
    return [rate * operations / max(pair) for rate, pair in around]


def limits(precisions, rounds=3):
    """The device's own limits, the best of some rounds, a second: {"products": {precision: operations}, "copy": bytes}.

    As `products` and `copies` measure them.
    """
    copy = copies()
    found = {"copy": max(copy() for _ in range(rounds)), "products": {}}
    for precision in precisions:
        product = products(precision)
        found["products"][precision] = max(product() for _ in range(rounds))
    return found


def ran_out_of_memory(error):
    """Whether an exception says that the device or the machine has no memory left, on any of the backends."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & {"MemoryError", "ResourceExhaustedError", "OutOfMemoryError"}:
        return True
    # JAX, XLA and PyTorch's CPU allocator say it in words.
    words = ("RESOURCE_EXHAUSTED", "can't allocate memory")
    return bool(kinds & {"RuntimeError", "OpError"}) and any(word in str(error) for word in words)


def fitting(attempt, batch_size, smallest=1):
    """attempt(batch_size), or of half, a quarter, ... of it, the first that fits into memory: (batch size, result).

    Says in a sentence when a batch did not fit. Other errors pass through. Raises MemoryError that says what to do
    where not even `smallest` fits.
    """
    while True:
        try:
            return batch_size, attempt(batch_size)
        except Exception as error:
            if not ran_out_of_memory(error):
                raise
            if batch_size // 2 < smallest:
                raise MemoryError(
                    f"Not even a batch of {batch_size} fits into memory: take a smaller network or smaller pictures, "
                    "or end other programs that use this device."
                ) from error
        # Here the exception, and with it what the failed attempt had allocated, is gone.
        gc.collect()
        print(f"A batch of {batch_size} does not fit into memory; trying {batch_size // 2}.", flush=True)
        batch_size //= 2


def feed(jpegs, labels, batch_size, crop, *, cache=False, shuffle=False, augment=False, parallel=False, prefetch=False):
    """Batches of pictures from JPEG files in memory, pass after pass, as a tf.data.Dataset of (uint8 pictures, labels).

    jpegs: bytes of colour pictures, none smaller than `crop` pixels. Each is decoded, and `crop` pixels square are cut
    out of its middle; with `augment` at a random place, and mirrored half of the time.
    cache: decode once and keep. shuffle: another order in every pass. parallel: as many pictures at once as tf.data
    thinks good. prefetch: prepare the next batches while the last is used.
    """
    import tensorflow as tf

    calls = tf.data.AUTOTUNE if parallel else None

    def cut(picture, label):
        if augment:
            picture = tf.image.random_crop(picture, (crop, crop, 3))
            return tf.image.random_flip_left_right(picture), label
        return tf.image.resize_with_crop_or_pad(picture, crop, crop), label

    def shuffled(dataset, wanted):
        return dataset.shuffle(len(jpegs), seed=0) if wanted else dataset

    # Files are smaller than pictures; but an order that is cached never changes again.
    pictures = shuffled(tf.data.Dataset.from_tensor_slices((list(jpegs), labels)), shuffle and not cache)
    pictures = pictures.map(lambda jpeg, label: (tf.io.decode_jpeg(jpeg, channels=3), label), num_parallel_calls=calls)
    if cache:
        pictures = shuffled(pictures.cache(), shuffle)
    pictures = pictures.repeat().map(cut, num_parallel_calls=calls).batch(batch_size, drop_remainder=True)
    return pictures.prefetch(tf.data.AUTOTUNE) if prefetch else pictures


def passes(dataset, count, use=None):
    """A function that takes `count` batches from a fresh iterator over a dataset, and hands each to `use`.

    To be timed as a whole: an iterator that is kept has prepared batches before anyone asks for them, even where the
    pipeline has no prefetching, and what it prepared meanwhile would cost nothing.
    """

    def one():
        for batch in dataset.take(count):
            if use:
                use(*batch)

    return one


def operations_of(folder):
    """{operation: seconds} of the profile that TensorFlow wrote into a folder, all threads or streams added up.

    Names are those of the graph, "network/layer/operation:kind"; what XLA has compiled is one name, "XLA". On a GPU the
    time is that of its kernels, under the name of the operation that started them where the profile tells it, else
    under their own. What only waits for others or hands work on is left out.
    Raises FileNotFoundError where there is no profile.
    """
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    paths = sorted(Path(folder).rglob("*.xplane.pb"))
    if not paths:
        raise FileNotFoundError(f"there is no profile in {folder}")
    space = xplane_pb2.XSpace()
    space.ParseFromString(paths[-1].read_bytes())
    gpus = [plane for plane in space.planes if plane.name.startswith("/device:GPU")]
    seconds = {}
    for plane in gpus or [plane for plane in space.planes if plane.name == "/host:CPU"]:
        for event in (event for line in plane.lines for event in line.events):
            name = _started_by(plane, event) or plane.event_metadata[event.metadata_id].name
            if not gpus and _COMPILED.fullmatch(name):
                name = "XLA"
            elif not gpus and not _OPERATION.fullmatch(name):
                continue
            seconds[name] = seconds.get(name, 0) + event.duration_ps / 1e12
    return seconds


def _started_by(plane, event):
    """The operation of the graph that an event of a GPU belongs to, or None where the profile does not tell."""
    for stat in (*event.stats, *plane.event_metadata[event.metadata_id].stats):
        if plane.stat_metadata[stat.metadata_id].name == "tf_op":
            return stat.str_value or plane.stat_metadata[stat.ref_value].name
    return None


def about(presets, precisions=None):
    """{"environment", "driver", "precisions"} of this device, the precisions those asked for, or worth measuring here.

    Raises ValueError where there is no such preset or precision.
    """
    from alexnet import training

    for preset in presets:
        architecture.get(preset)
    precisions = precisions or list(dict.fromkeys(("float32", training.device().fast_precision)))
    for precision in precisions:
        use_precision(precision)
    return {"environment": training.environment(), "driver": driver(), "precisions": precisions}


def in_own_process(call, seconds=None, **arguments):
    """What a function of this module returns, called in a process of its own; {"failed": why} where it could not.

    call: its name. seconds: how long it may take. The arguments and the result are plain JSON values.
    """
    command = [sys.executable, "-m", "alexnet.speed", json.dumps({"call": call, "arguments": arguments})]
    here = str(Path(__file__).resolve().parents[1])
    settings = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))}
    # JAX would leave a quarter of a GPU's memory to others, and a batch would not fit that does.
    settings.setdefault("XLA_PYTHON_CLIENT_MEM_FRACTION", "0.95")
    try:
        done = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return {"failed": f"not done after {seconds:g} s"}
    for line in done.stdout.splitlines():
        # Whatever else a library prints does not begin with @.
        if line.startswith("@"):
            return json.loads(line[1:])
    if done.returncode == -9:
        return {"failed": "killed by the system, which as a rule means that the machine had no memory left"}
    return {"failed": f"ended with {done.returncode}: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"}


def _answer(job):
    """The result of a job of `in_own_process`, or why there is none where the job asks too much."""
    try:
        return {"about": about, "measure": measure, "limits": limits}[job["call"]](**job["arguments"])
    except ValueError as error:
        return {"failed": str(error)}
    except Exception as error:
        if not ran_out_of_memory(error):
            raise
        return {"failed": "did not fit into memory", "error": f"{type(error).__name__}: {str(error)[:300]}"}


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    print("@" + json.dumps(_answer(json.loads(sys.argv[1]))), flush=True)
