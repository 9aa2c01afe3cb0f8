"""One training on several devices or machines: each computes its share of every batch, and all take the same step.

The engines are TensorFlow's `tf.distribute` and, on JAX, Keras's own `keras.distribution`. `training.train` calls them
by name (`strategy=`); what is here cuts each batch into shares, puts the answers together, and says what went wrong.
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import json
import math
import os
import socket
import sys

import numpy as np

from alexnet.data import Dataset

STRATEGIES = ("mirrored", "multiworker")

# Seconds for all workers to come, and for one of them to come along with a step (which may wait for a checkpoint).
PATIENCE = 300

# Between the seeds of two replicas; far more than there are layers, whose seeds are neighbours.
_SEEDS_APART = 1_000_000

_TEST_BATCH = 500


class WorkerLost(RuntimeError):
    """Another worker of the training died, or does not answer; all must be started again."""


def engine(strategy=None):
    """What computes a training's steps: an object with the methods of `OneDevice`.

    strategy: None, one device, as Keras chooses it. "mirrored", all GPUs of this machine, or where there are none all
    of its CPU devices: one, unless it was split (TensorFlow: `tf.config.set_logical_device_configuration`; JAX:
    XLA_FLAGS=--xla_force_host_platform_device_count=2). "multiworker", as mirrored on every machine that the variable
    TF_CONFIG names, each of which runs the same program; on TensorFlow only.
    Raises ValueError for another name, or where the backend has no such engine or TF_CONFIG is not set; RuntimeError
    where TensorFlow has already computed something, which comes too early for several workers.
    """
    if strategy is None:
        return OneDevice()
    if strategy not in STRATEGIES:
        raise ValueError(f"strategy is None or one of {', '.join(STRATEGIES)}; got {strategy!r}")
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        return _TensorFlow(strategy, _mirrored() if strategy == "mirrored" else _multiworker())
    if backend == "jax" and strategy == "mirrored":
        return _Jax()
    raise ValueError(f"the strategy {strategy!r} has no engine on the backend {backend}; set KERAS_BACKEND=tensorflow")


def loopback(workers):
    """TF_CONFIG for each of so many workers on this machine, on ports that are free at this moment; a list of texts."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(workers)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    return [
        json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})
        for index in range(workers)
    ]


class OneDevice:
    """The plain case, and what `training.train` asks of every engine.

    devices: that share each batch. workers: processes, each with equally many of them. chief: whether this process
    writes the checkpoints and shows the progress. description: for the record of a run; empty on one device.
    """

    devices, workers, chief = 1, 1, True
    description: dict = {}  # noqa: RUF012

    def scope(self):
        """The context in which the model and its optimizer are made.

        On TensorFlow nothing else may happen in it: Keras makes variables while it saves weights, which a strategy of
        several workers would have all of them make at the same time.
        """
        return contextlib.nullcontext()

    def check(self, batch_size, data):
        """Raises ValueError where the devices cannot have equal shares of a batch of the data."""
        if batch_size % self.devices:
            less = batch_size // self.devices * self.devices
            sizes = " or ".join(str(size) for size in (less, less + self.devices) if size)
            raise ValueError(
                f"{self.devices} devices cannot have equal shares of a batch of {batch_size} pictures; "
                f"a batch_size that they can share is {sizes}"
            )

    def prepare(self, model, data):
        """Called once for a compiled model and the `data.Source` of its pictures, before its state is restored."""

    def begin(self, epoch, step, random):
        """Called once after that, with the epochs behind, the steps of the next, and the random generators' states."""

    def any(self, flag):
        """Whether a worker says so; all are asked after the same step."""
        return flag

    def train_on_batch(self, model, x, y):
        """One step on the whole batch: the means over it, by name, as Keras's `train_on_batch`."""
        # Keras versions differ in whether this call starts the metrics afresh.
        model.reset_metrics()
        return model.train_on_batch(x, y, return_dict=True)

    def evaluate(self, model, data):
        """The means over all test pictures, by name, as Keras's `evaluate`."""
        return data.evaluate(model)

    def end(self):
        """Called once after the last checkpoint."""

    def watched(self):
        """The context of all the calls from `prepare` to `end`: raises WorkerLost where another worker dies."""
        return contextlib.nullcontext()


class _Jax(OneDevice):
    """Keras's data parallelism: one program over arrays that are cut across the devices."""

    def __init__(self):
        import keras

        devices = keras.distribution.list_devices()
        self.devices = len(devices)
        self.description = {"strategy": "mirrored", "devices": self.devices, "workers": 1}
        self._distribution = keras.distribution.DataParallel(devices=devices)

    def scope(self):
        return self._distribution.scope()

    def train_on_batch(self, model, x, y):
        with self.scope():
            return super().train_on_batch(model, x, y)

    def check(self, batch_size, data):
        super().check(batch_size, data)
        if not isinstance(data, Dataset):
            raise ValueError("on JAX, several devices can share pictures in memory only, not a stream")
        if len(data.x_test) % self.devices:
            raise ValueError(f"{self.devices} devices cannot have equal shares of {len(data.x_test)} test pictures")

    def evaluate(self, model, data):
        size = math.gcd(len(data.x_test), _TEST_BATCH // self.devices * self.devices)
        with self.scope():
            return model.evaluate(data.x_test, data.y_test, batch_size=size, verbose=0, return_dict=True)


class _TensorFlow(OneDevice):
    """TensorFlow's mirrored strategies around Keras's own step.

    `Model.train_on_batch` would give every replica the whole batch, and Keras 3's loop does not run with several
    workers (github.com/keras-team/keras/issues/20585). `Model.train_step` does: under a strategy it divides the loss
    by the number of replicas, and the optimizer adds their gradients up.
    """

    def __init__(self, name, strategy):
        self._strategy = strategy
        self.devices = strategy.num_replicas_in_sync
        resolver = strategy.cluster_resolver
        if resolver is not None:
            cluster = resolver.cluster_spec().as_dict()
            self.workers = _workers(cluster)
            self.chief = resolver.task_id == 0 and ("chief" not in cluster or resolver.task_type == "chief")
        self.description = {"strategy": name, "devices": self.devices, "workers": self.workers}

    def scope(self):
        return self._strategy.scope()

    def prepare(self, model, data):
        import tensorflow as tf

        @tf.function(reduce_retracing=True)
        def train(share):
            def step(share):
                model.reset_metrics()
                means = model.train_step(share)
                return tf.distribute.get_replica_context().all_reduce("MEAN", means)

            return self._strategy.run(step, args=(share,))

        @tf.function(reduce_retracing=True)
        def test(share):
            self._strategy.run(model.test_step, args=(share,))

        # Outside of a replica, each of the metrics' variables would be reset by all workers together.
        @tf.function
        def reset():
            self._strategy.run(model.reset_metrics)

        # Keras makes its metrics at the first picture, which must not happen inside a graph. TensorFlow warns that
        # this is slow.
        logger = tf.get_logger()
        level = logger.level
        logger.setLevel("ERROR")
        picture = np.zeros((1, *data.picture_shape), data.picture_dtype)
        self._strategy.run(model.test_step, args=((picture, np.zeros(1, "int64")),))
        logger.setLevel(level)
        self._train, self._test, self._reset = train, test, reset

    def begin(self, epoch, step, random):
        import tensorflow as tf

        if self.workers > 1:
            found = self._strategy.gather(tf.constant([[epoch, step]]), axis=0).numpy().tolist()
            if any(one != found[0] for one in found):
                after = ", ".join(f"{epoch} epochs and {step} steps" for epoch, step in found)
                raise ValueError(
                    f"the workers found checkpoints after {after}: "
                    "all must see the same folder, and the same files in it"
                )

        def move(variables):
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            for variable in variables:
                apart = tf.cast(replica, variable.dtype) * tf.constant([_SEEDS_APART, 0], variable.dtype)
                variable.assign(variable + apart)

        # Every replica begins with the same seeds, and would drop out and crop alike.
        if random:
            tf.function(self._strategy.run)(move, args=([variable.value for variable in random],))

    def train_on_batch(self, model, x, y):
        means = self._train(self._shares(x, y))
        return {name: float(self._strategy.experimental_local_results(mean)[0]) for name, mean in means.items()}

    def any(self, flag):
        import tensorflow as tf

        if self.workers == 1:
            return flag
        return bool(self._strategy.gather(tf.constant([int(flag)]), axis=0).numpy().any())

    def evaluate(self, model, data):
        self._reset()
        for pictures, labels in data.tests(_TEST_BATCH):
            self._test(self._shares(pictures, labels))
        # Reading them adds up over all replicas.
        return {name: float(mean) for name, mean in model.get_metrics_result().items()}

    def end(self):
        import tensorflow as tf

        # A worker that leaves while the chief still writes would look like one that died.
        if self.workers > 1:
            self._strategy.gather(tf.constant([0]), axis=0)

    def _shares(self, x, y):
        """The pictures and labels, cut in order: the first share to the first replica of the first worker."""
        import tensorflow as tf

        shares = list(zip(np.array_split(x, self.devices), np.array_split(y, self.devices), strict=True))

        def share(context):
            return tuple(tf.constant(part) for part in shares[context.replica_id_in_sync_group])

        return self._strategy.experimental_distribute_values_from_function(share)

    @contextlib.contextmanager
    def watched(self):
        import tensorflow as tf

        errors = tf.errors
        try:
            yield
        except (errors.UnavailableError, errors.AbortedError, errors.DeadlineExceededError) as error:
            if self.workers == 1:
                raise
            raise WorkerLost(
                f"one of the {self.workers} workers of this training died or does not answer. "
                "Start all of them again with the same checkpoint folder: "
                "the training goes on from the last epoch that was saved there."
            ) from error


@functools.cache
def _mirrored():
    """The strategy for all devices; two that reduce by TensorFlow's collectives get in each other's way."""
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


@functools.cache
def _multiworker():
    """The strategy for all workers that TF_CONFIG names; a process can join such a cluster once only."""
    import tensorflow as tf

    cluster = json.loads(os.environ.get("TF_CONFIG") or "{}").get("cluster")
    if not cluster:
        raise ValueError(
            "multiworker needs the variable TF_CONFIG: all workers' addresses, and which of them this is, as in "
            + '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}'
        )
    # TensorFlow itself waits for ever, holds Python's lock, and hears neither Ctrl-C nor SIGTERM while it does; so a
    # watch that needs no lock ends the process.
    print(f"Waiting for the {_workers(cluster)} workers of TF_CONFIG, {PATIENCE} seconds at most.", flush=True)
    faulthandler.dump_traceback_later(PATIENCE, exit=True, file=sys.__stderr__)
    try:
        options = tf.distribute.experimental.CommunicationOptions(timeout_seconds=PATIENCE)
        return tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    except RuntimeError as error:
        raise RuntimeError("a worker must call train before TensorFlow computes anything in its process") from error
    finally:
        faulthandler.cancel_dump_traceback_later()


def _workers(cluster):
    """How many processes compute shares; a cluster may name the first of them chief, and others that only look on."""
    return sum(len(cluster.get(job, [])) for job in ("chief", "worker"))
