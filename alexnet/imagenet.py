"""ImageNet from its folders, as a stream: the paper's preprocessing, and its testing on ten windows."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections import Counter, deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from alexnet import data
from alexnet.data import DataError

SIZE, CROP = 256, 224
SUFFIXES = (".jpeg", ".jpg", ".png")

FLAT = (
    "{folder} holds pictures but no class folders. Which class a validation picture shows is in the development kit "
    "(ILSVRC2012_devkit_t12/data: line i of ILSVRC2012_validation_ground_truth.txt is the ILSVRC2012_ID of picture i, "
    "and meta.mat gives each ID's WNID, such as n01440764); move every picture into {folder}/<WNID>/."
)


def picture(path, size=SIZE):
    """A picture as the paper stored it, and what had to be converted for it: ((size, size, 3) uint8, what or None).

    The shorter side is scaled to `size` and the middle square is kept (section 2). With which interpolation is not
    said; here it is Pillow's bicubic one. Marks of orientation (EXIF) are not followed.
    Raises what Pillow raises for a file that it cannot read to its end.
    """
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        named = Path(path).suffix
        expected = {".png": "PNG"}.get(named.lower(), "JPEG")
        what = [] if image.format == expected else [f"{image.format} named {named}"]
        what += [] if image.mode == "RGB" else [{"L": "greyscale"}.get(image.mode, image.mode)]
        fitted = ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.BICUBIC)
    return np.asarray(fitted), ", ".join(what) or None


def folder(directory, *, sample=10_000, color_noise=0.1, cache=None, size=SIZE, crop=CROP):
    """The pictures of DIRECTORY/train/<class>/ and DIRECTORY/val/<class>/ as a `data.Source`; they are read as needed.

    A class's number is the place of its folder's name among those of train, sorted. Pictures end in .JPEG, .jpg or
    .png, in any case; names that begin with a dot are left alone.

    sample: from so many training pictures, drawn by chance, the mean picture and the principal colours are computed;
    None for all of them. The paper took all; a mean over 10,000 pictures is uncertain by about a hundredth of the
    spread of a pixel. They are kept in the folder `cache` (None: beside Keras's data sets, ~/.keras/alexnet).
    color_noise: sigma of `layers.PCAColorNoise`, 0 for none; the paper's section 4.1 has 0.1. size, crop: pixels that
    are kept of a picture, and of those in the window that the network sees.

    A file that cannot be read is left out: another training picture, drawn by chance, takes its place in the batch,
    and the test does without it. Pictures of other modes (CMYK, greyscale, palettes) and formats become RGB. Both are
    counted; see `Folder.report`. (The released code leaves such files out too: convdata_jpeg.py, load_jpeg_batch.)
    Raises DataError that says what is wrong with the folders, and where no training or no validation picture can be
    read at all.
    """
    directory = Path(directory).expanduser()
    if not directory.is_dir():
        raise DataError(f"there is no folder {directory}; it must hold train/<class>/ and val/<class>/")
    try:
        import PIL  # noqa: F401
    except ImportError as error:
        raise DataError("reading JPEG files needs Pillow: pip install pillow") from error
    class_names, train, digest = _listed(directory / "train")
    others, test, test_digest = _listed(directory / "val")
    strangers = sorted(set(others) - set(class_names))
    if strangers:
        raise DataError(
            f"{directory / 'val'} has {len(strangers)} classes that train has not: {', '.join(strangers[:5])}"
        )
    number = {name: at for at, name in enumerate(class_names)}
    made = Folder(
        directory=directory,
        class_names=class_names,
        train=train,
        test=test,
        y_train=np.array([number[path.split("/")[1]] for path in train], "int64"),
        y_test=np.array([number[path.split("/")[1]] for path in test], "int64"),
        files=hashlib.sha256((digest + test_digest).encode()).hexdigest()[:16],
        size=size,
        crop=crop,
        color_noise=color_noise,
        sample=len(train) if sample is None else min(sample, len(train)),
    )
    made.read_statistics(Path(cache) if cache else data.cache_folder().parent / "alexnet", digest)
    next(made.tests(1))
    return made


def _listed(split):
    """The sorted class names, the pictures' paths below the data set's folder, and a digest of names and sizes."""
    if not split.is_dir():
        raise DataError(f"there is no folder {split}; the layout is train/<class>/*.JPEG and val/<class>/*.JPEG")
    there = sorted(os.scandir(split), key=lambda entry: entry.name)
    classes = tuple(entry.name for entry in there if entry.is_dir() and not entry.name.startswith("."))
    if not classes:
        loose = any(entry.name.lower().endswith(SUFFIXES) for entry in there)
        raise DataError(FLAT.format(folder=split) if loose else f"{split} holds no class folders")
    paths, digest = [], hashlib.sha256()
    for name in classes:
        pictures = sorted(
            (entry.name, entry.stat().st_size)
            for entry in os.scandir(split / name)
            if entry.name.lower().endswith(SUFFIXES) and not entry.name.startswith(".")
        )
        if not pictures:
            raise DataError(f"{split / name} holds no picture ({', '.join(SUFFIXES)}); unpack it again or remove it")
        for file, length in pictures:
            paths.append(f"{split.name}/{name}/{file}")
            digest.update(f"{paths[-1]} {length}\n".encode())
    return classes, paths, digest.hexdigest()


def _in_order(read, items, ahead) -> Iterator:
    """What `read` returns for each item, in order; threads read up to `ahead` items in advance."""
    pool, waiting = ThreadPoolExecutor(), deque[Future]()
    try:
        for item in items:
            waiting.append(pool.submit(read, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _groups(items, size) -> Iterator[list]:
    items = iter(items)
    while group := list(islice(items, size)):
        yield group


@dataclass
class Folder:
    """What `folder` makes, a `data.Source`: where the pictures are, and how they are prepared.

    train, test: paths below `directory`. y_train, y_test: int64 class numbers. files: a digest of all names and sizes.
    mean: the mean picture, (size, size, 3) float32, of `sample` training pictures. components, deviations: their
    principal colours; see `data.principal_colors`.
    """

    directory: Path
    class_names: tuple[str, ...]
    train: list[str]
    test: list[str]
    y_train: np.ndarray
    y_test: np.ndarray
    files: str
    size: int
    crop: int
    color_noise: float
    sample: int
    mean: np.ndarray = field(init=False, repr=False)
    components: np.ndarray = field(init=False, repr=False)
    deviations: np.ndarray = field(init=False, repr=False)
    skipped: dict[str, str] = field(default_factory=dict, init=False)
    converted: dict[str, str] = field(default_factory=dict, init=False)

    def __repr__(self):
        return f"Folder({self.provenance})"

    @property
    def provenance(self):
        """A sentence for captions and records."""
        return (
            f"folder {self.directory.resolve().name}: {len(self.train):,} training and {len(self.test):,} "
            f"validation pictures of {len(self.class_names):,} classes"
        )

    @property
    def train_count(self):
        return len(self.train)

    @property
    def picture_shape(self):
        return (self.size, self.size, 3)

    @property
    def picture_dtype(self):
        return "uint8"

    @property
    def input_shape(self):
        return (self.crop, self.crop, 3)

    def batches(self, size, seed, epoch, first=0) -> Generator[tuple[np.ndarray, np.ndarray]]:
        order = np.random.default_rng([seed, epoch]).permutation(len(self.train))
        steps = len(order) // size
        read = _in_order(self._training_picture, order[first * size : steps * size], ahead=2 * size)
        for step, batch in enumerate(_groups(read, size), start=first):
            kept = [one for one in batch if self._noted(one)]
            spare = np.random.default_rng([seed, epoch, step])
            while len(kept) < size:
                kept.append(self._another(spare))
            yield np.stack([pixels for _, pixels, _ in kept]), np.array([self.y_train[at] for at, _, _ in kept])

    def _training_picture(self, at):
        return at, *self._read(self.train[at])

    def _read(self, path):
        """(pixels or None, what there is to note of the file or None)."""
        try:
            return picture(self.directory / path, self.size)
        except Exception as error:
            # Broken files provoke more in Pillow than OSError: SyntaxError, ValueError, struct.error, bombs, ...
            return None, f"{type(error).__name__}: {error}".replace(str(self.directory) + os.sep, "")

    def _noted(self, read, split="train"):
        """Whether the picture could be read; keeps what there is to note."""
        at, pixels, what = read
        path = (self.train if split == "train" else self.test)[at]
        if what:
            (self.skipped if pixels is None else self.converted)[path] = what
        return pixels is not None

    def _another(self, rng):
        for at in rng.permutation(len(self.train)):
            read = self._training_picture(at)
            if self._noted(read):
                return read
        raise DataError(f"none of the {len(self.train):,} pictures in {self.directory / 'train'} can be read any more")

    def tests(self, size) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The validation pictures that can be read, (pictures, labels) in batches of `size`, the last one smaller.

        Raises DataError where there are none.
        """
        read = _in_order(lambda at: (at, *self._read(self.test[at])), range(len(self.test)), ahead=2 * size)
        kept = (one for one in read if self._noted(one, "val"))
        nothing = True
        for batch in _groups(kept, size):
            nothing = False
            yield np.stack([pixels for _, pixels, _ in batch]), self.y_test[[at for at, _, _ in batch]]
        if nothing:
            raise DataError(self._all_bad("val", self.test))

    def _all_bad(self, split, paths):
        return (
            f"none of the {len(paths):,} pictures in {self.directory / split} can be read; "
            f"of {paths[-1]} Pillow says {self._read(paths[-1])[1]}"
        )

    def read_statistics(self, cache, digest):
        """Set mean, components and deviations: from the folder `cache`, or else computed and kept there.

        digest: of the training files. Raises DataError where none of them can be read.
        """
        kept = cache / f"imagenet-{digest[:16]}-{self.size}-{self.sample}.npz"
        try:
            with np.load(kept) as stored:
                self.mean, self.components, self.deviations = (stored[name] for name in ("mean", "axes", "deviations"))
            return
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            # Not there, or cut off by a full disk: it is computed again.
            pass
        total, count = np.zeros((self.size, self.size, 3)), 0

        def good():
            nonlocal total, count
            drawn = np.random.default_rng(0).permutation(len(self.train))
            for _, pixels, _ in _in_order(self._training_picture, drawn, ahead=64):
                if pixels is not None:
                    total, count = total + pixels, count + 1
                    yield pixels
                if count == self.sample:
                    return
            if not count:
                raise DataError(self._all_bad("train", self.train))

        self.components, self.deviations = data.principal_colors(good())
        self.mean = (total / count).astype("float32")
        cache.mkdir(parents=True, exist_ok=True)
        scratch = kept.with_suffix(f".{os.getpid()}.npz")
        np.savez(scratch, mean=self.mean, axes=self.components, deviations=self.deviations)
        scratch.replace(kept)

    def augmentation(self, flip, shift, cutout, seed):
        from alexnet import layers

        window = layers.Augmentation(
            flip, shift, cutout, seed=seed, crop=self.crop, dtype="float32", name="augmentation"
        )
        if not self.color_noise:
            return [window]
        # A seed of its own: with the same one, the colours would follow from the places of the windows.
        noise = layers.PCAColorNoise(
            self.components, self.deviations, self.color_noise, 1000 * seed + 999, dtype="float32", name="color_noise"
        )
        return [window, noise]

    def preprocessing(self):
        """A Keras layer that subtracts the middle of the mean picture, and does not divide.

        So does the released code, wherever the window lies (`data_mean_crop` in convdata_jpeg.py).
        """
        import keras

        edge = (self.size - self.crop) // 2
        middle = self.mean[edge : edge + self.crop, edge : edge + self.crop]
        return keras.layers.Normalization(axis=(1, 2, 3), mean=middle, variance=np.ones_like(middle), name="normalize")

    def evaluate(self, model):
        # `model.evaluate` warns of every generator that it ran out of data.
        sums, count = Counter[str](), 0
        for pictures, labels in self.tests(100):
            model.reset_metrics()
            means = model.test_on_batch(pictures, labels, return_dict=True)
            sums.update({name: float(mean) * len(labels) for name, mean in means.items()})
            count += len(labels)
        return {name: total / count for name, total in sums.items()}

    def describe(self):
        own = {name: getattr(self, name) for name in ("files", "size", "crop", "color_noise", "sample")}
        return {"provenance": self.provenance, "train": len(self.train), "test": len(self.test)} | own

    def found(self):
        return {"skipped": dict(self.skipped), "converted": dict(self.converted)}

    def recall(self, found):
        self.skipped, self.converted = dict(found.get("skipped", {})), dict(found.get("converted", {}))

    def report(self):
        """What training and testing met so far: pictures skipped in each split (and the first 20), and converted."""
        skipped = Counter(path.split("/")[0] for path in self.skipped)
        converted = Counter(self.converted.values())
        told = ", ".join(f"{count:,} {what}" for what, count in sorted(converted.items())) or "none"
        first = sorted(self.skipped)[:20]
        named = f" ({', '.join(first[:3])}{', ...' if len(self.skipped) > 3 else ''})" if first else ""
        return {
            "pictures": {
                "skipped": {split: skipped[split] for split in ("train", "val")},
                "skipped_files": {path: self.skipped[path] for path in first},
                "converted": dict(sorted(converted.items())),
                "summary": f"pictures that cannot be read: {len(self.skipped):,}{named}; converted: {told}",
            }
        }


def ten_crop_errors(model, source, batch_size=50):
    """The share of validation pictures of another class than the model's first guess (top-1), or first five (top-5).

    model: a keras.Model from windows to logits. Returns {"pictures": how many could be read, "middle window" and "ten
    windows": {"top-1": ..., "top-5": ...}}; for the ten windows of `data.ten_crops` the probabilities are averaged
    (section 4.1). With five classes or fewer there is no top-5.
    """
    import keras

    ranks = {"middle window": [], "ten windows": []}
    for pictures, labels in source.tests(batch_size):
        probabilities = np.stack(
            [
                # Called, not asked to predict: of several workers the first is alone here, and Keras's loop would wait.
                keras.ops.convert_to_numpy(keras.ops.softmax(model(windows, training=False)))
                for windows in data.ten_crops(pictures, source.crop)
            ]
        )
        for windows, scores in zip(ranks, (probabilities[4], probabilities.mean(0)), strict=True):
            own = scores[np.arange(len(labels)), labels]
            # Of equal scores the other class counts as the earlier guess: a network that knows nothing is not right.
            ranks[windows] += ((scores >= own[:, None]).sum(1) - 1).tolist()
    tops = [top for top in (1, 5) if top < len(source.class_names)]
    errors = {
        windows: {f"top-{top}": float(np.mean(np.array(rank) >= top)) for top in tops}
        for windows, rank in ranks.items()
    }
    return {"pictures": len(ranks["ten windows"]), **errors}
