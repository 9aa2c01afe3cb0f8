"""Train a network, stop with Ctrl-C, go on later, and keep a record of how it was done.

--data is one of
  cifar10          50,000 small photographs; downloaded where they are not on this machine
  patches10        patches of ten photographs that installed packages carry; nothing to download
  "imagenet DIR"   DIR/train/<class>/*.JPEG and DIR/val/<class>/*.JPEG, prepared as in the paper, 256 pixels a side, and
                   tested on ten windows at the end

Ctrl-C finishes the step, saves, and exits with 130 (SIGTERM: 143); a second one stops at once. With --resume training
goes on with the next step and ends where it would have ended. The backend is the one that KERAS_BACKEND names.

  python -m alexnet train --preset cifar10 --data patches10 --recipe default --epochs 1 --checkpoint state
  python -m alexnet train --preset paper-2012 --data "imagenet /data/imagenet" --recipe paper-2012 \\
      --checkpoint state --record run.json --weights paper.weights.h5
"""

import argparse
import dataclasses
import os
import signal
import socket
import sys
import threading
import typing
from pathlib import Path

from alexnet import architecture, data, distributed, training

WEIGHTS = (".weights.h5", ".keras")


def add_arguments(parser):
    """The command's options; each field of `training.Recipe` is one, and overrides the recipe's."""
    parser.add_argument("--preset", required=True, metavar="NAME", help=f"one of {', '.join(architecture.PRESETS)}")
    parser.add_argument("--data", required=True, nargs="+", metavar=("NAME", "DIR"), help="see above")
    parser.add_argument(
        "--recipe",
        default="default",
        metavar="RECIPE",
        help=f"one of {', '.join(training.RECIPES)}, or a JSON file of the fields below",
    )
    parser.add_argument("--strategy", choices=("mirrored", "multiworker"), help="train on several devices or machines")
    parser.add_argument("--checkpoint", type=Path, metavar="DIR", help="save the state here after every epoch")
    parser.add_argument("--resume", action="store_true", help="go on from the state in --checkpoint, if there is one")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write what was done and what came out, as JSON")
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="save the trained weights (.weights.h5) or network (.keras)"
    )
    fields = parser.add_argument_group("what overrides the recipe (see alexnet.training.Recipe)")
    for name, kind in typing.get_type_hints(training.Recipe).items():
        option = f"--{name.replace('_', '-')}"
        if kind is bool:
            fields.add_argument(option, action=argparse.BooleanOptionalAction, default=None)
        elif typing.get_origin(kind) is tuple:
            fields.add_argument(option, type=float, nargs="+", metavar="SHARE")
        else:
            fields.add_argument(option, type=kind if kind in (int, float) else str, metavar=name.upper())


class Mistake(Exception):
    """What the user can mend; the message says how."""


def run(arguments):
    """Train; returns 0, 1 after a loss that is no number or a lost worker, 2 for a mistake, 130 after Ctrl-C."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        return _train(arguments)
    except (Mistake, data.DataError, training.CheckpointError, distributed.WorkerLost) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1 if isinstance(error, distributed.WorkerLost) else 2
    except KeyboardInterrupt:
        print("\nInterrupted outside of training; nothing to save.", file=sys.stderr)
        return 128 + signal.SIGINT


def _train(arguments):
    recipe = _recipe(arguments)
    _check_files(arguments)
    source = _source(arguments.data)
    if source.input_shape != source.picture_shape and recipe.shift:
        print(f"The windows lie at random places already: shift is 0 instead of {recipe.shift}.", flush=True)
        recipe = dataclasses.replace(recipe, shift=0)
    try:
        net = architecture.get(arguments.preset)
        net.replace(classes=len(source.class_names), input_shape=source.input_shape)
    except ValueError as error:
        raise Mistake(
            f"{arguments.preset} cannot be trained on {' '.join(arguments.data)}: {error}"
            if arguments.preset in architecture.PRESETS
            else str(error)
        ) from error
    try:
        engine = distributed.engine(arguments.strategy)
        engine.check(min(recipe.batch_size, source.train_count), source)
    except ValueError as error:
        raise Mistake(str(error)) from error
    shown = source.report()

    def on_epoch(row, model):
        nonlocal shown
        if source.report() != shown:
            shown = source.report()
            print(shown["pictures"]["summary"], flush=True)

    with Interruption() as interruption:
        done = training.train(
            net,
            source,
            recipe,
            checkpoint=arguments.checkpoint,
            on_epoch=on_epoch,
            stop=interruption.asked,
            strategy=arguments.strategy,
        )
    if (done.stopped or "").startswith(training.ON_REQUEST):
        if arguments.checkpoint:
            print(f"The state is saved in {arguments.checkpoint}. Go on with the same command and --resume.")
        else:
            print("Nothing was saved: there was no --checkpoint.")
        # Where another worker was told to stop, this one heard of it in the same step.
        return 128 + (interruption.signal or signal.SIGTERM)
    if not engine.chief:
        return 1 if done.stopped else 0
    if not isinstance(source, data.Dataset) and not done.stopped:
        from alexnet import imagenet

        done.ten_crops = imagenet.ten_crop_errors(done.model, source)
    print(done)
    if arguments.record:
        print(f"record: {done.save(arguments.record)}")
    if done.stopped:
        return 1
    if arguments.weights:
        (done.model.save if arguments.weights.suffix == ".keras" else done.model.save_weights)(arguments.weights)
        print(f"weights: {arguments.weights}")
    return 0


def _recipe(arguments):
    own = {name: getattr(arguments, name) for name in typing.get_type_hints(training.Recipe)}
    own = {name: tuple(value) if isinstance(value, list) else value for name, value in own.items() if value is not None}
    try:
        recipe = dataclasses.replace(training.load_recipe(arguments.recipe), **own)
        if recipe.precision != "auto" or recipe.initializer is not None:
            import keras

            keras.dtype_policies.get("float32" if recipe.precision == "auto" else recipe.precision)
            keras.initializers.get(recipe.initializer)
    except ValueError as error:
        raise Mistake(str(error)) from error
    return recipe


def _check_files(arguments):
    """Whether the results can be written, before days are spent on them."""
    if arguments.resume and not arguments.checkpoint:
        raise Mistake("--resume goes on from a checkpoint: name its folder with --checkpoint")
    if arguments.weights and not arguments.weights.name.endswith(WEIGHTS):
        raise Mistake(f"--weights {arguments.weights}: the name must end in {' or '.join(WEIGHTS)}")
    for file in (arguments.record, arguments.weights):
        if file and file.is_dir():
            raise Mistake(f"{file} is a folder, not the name of a file")
    for folder in (arguments.checkpoint, *(file.parent for file in (arguments.record, arguments.weights) if file)):
        if not folder:
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Mistake(f"cannot make the folder {folder}: {error.strerror}") from error
        if not os.access(folder, os.W_OK):
            raise Mistake(f"cannot write into the folder {folder}")
    if arguments.checkpoint and training.checkpointed(arguments.checkpoint) != arguments.resume:
        if not arguments.resume:
            raise Mistake(
                f"{arguments.checkpoint} holds the state of a training; go on from it with --resume, "
                "or name another folder"
            )
        print(f"There is nothing in {arguments.checkpoint} to resume: starting at the beginning.", flush=True)


def _source(words):
    name, _, rest = " ".join(words).partition(" ")
    if name == "imagenet":
        if not rest.strip():
            raise Mistake('--data "imagenet DIR": the folder that holds train/ and val/ is missing')
        from alexnet import imagenet

        return imagenet.folder(rest.strip())
    known = {"cifar10": data.cifar10, "patches10": data.patches10}
    if name not in known or rest:
        raise Mistake(f'no data is called {" ".join(words)!r}; there are {", ".join(known)} and "imagenet DIR"')
    return known[name]()


class Interruption:
    """Within `with`: the first SIGINT or SIGTERM asks training to stop, the second one ends the process at once.

    signal: the number of the first one, or None.
    A thread hears of signals through Python's wakeup descriptor, because the main thread, which runs Python's own
    handlers, may be inside a long step.
    """

    def __init__(self):
        self.signal = None

    def asked(self):
        """Whether training is to stop."""
        return self.signal is not None

    def __enter__(self):
        self._heard, self._hears = socket.socketpair()
        self._hears.setblocking(False)
        self._before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
        self._descriptor = signal.set_wakeup_fd(self._hears.fileno())
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def _listen(self):
        with self._heard:
            while heard := self._heard.recv(1):
                (number,) = heard
                if number not in self._before:
                    continue
                if self.signal is not None:
                    os._exit(128 + number)
                self.signal = number
                print("\nStopping after this step; once more to stop at once.", file=sys.stderr, flush=True)

    def __exit__(self, *_):
        signal.set_wakeup_fd(self._descriptor)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        # The listener ends when its peer is closed.
        self._hears.close()
