"""The images: CIFAR-10 from wherever it is, and a default that needs no download. Each says where it came from."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import io
import json
import os
import pickle
import shutil
import socket
import tarfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

FOLDER = "cifar-10-batches-py"
ADDRESS = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
ARCHIVE_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
ARCHIVE_BYTES = 170_498_071
TRAINING_FILES = tuple(f"data_batch_{i}" for i in range(1, 6))
FILES = (*TRAINING_FILES, "test_batch")
CIFAR10_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

# A declaration beside the files, written by `declare`, vouches for files other than the official ones.
DECLARATION = "declaration.json"

OFFICIAL = "CIFAR-10 (Krizhevsky, 2009), official release"
JPEG_COPY = "CIFAR-10 (Krizhevsky, 2009), JPEG copy: every picture was once re-encoded at quality 75"
_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
_JPEG_SHA256 = {
    "data_batch_1": "bbca4aed2ae29e395a7fb8b31a0217645c17097d37c28135b9b271cfe73c526e",
    "data_batch_2": "6d00a96a43ecccbca96f22c6eb8fe323b490a4ce4a3dcf61bb00d2b1cf06051a",
    "data_batch_3": "ba8e7c6fa2b49f4ea82dd86855fe46ad97e2d6e713a43a45a795741f81be2efd",
    "data_batch_4": "9f9e81b53984c34c785253c1fd2da95a589a11a70a180a2a824f67f3768d529f",
    "data_batch_5": "22226f39fa590ec91644ca57afc8b6dc47d4d092a3ddddbef0681b573e5fe311",
    "test_batch": "e112b4ce71a1d6bca1da10855706c46bd5ce9318ecdbf0acef1cb34a3b651d23",
}


class DataError(RuntimeError):
    """The data could not be had; the message says why and what to do."""


class Source(Protocol):
    """What `training.train` trains on: a `Dataset` in memory, or a stream such as `imagenet.Folder`.

    class_names: one per class. train_count: training pictures. picture_shape, picture_dtype: of a stored picture, as
    the batches hold it. input_shape: of what is left of it behind `augmentation`, which the network gets.
    """

    @property
    def class_names(self) -> tuple[str, ...]: ...
    @property
    def train_count(self) -> int: ...
    @property
    def picture_shape(self) -> tuple[int, int, int]: ...
    @property
    def picture_dtype(self) -> str: ...
    @property
    def input_shape(self) -> tuple[int, int, int]: ...

    def batches(self, size: int, seed: int, epoch: int, first: int = 0) -> Generator[tuple[np.ndarray, np.ndarray]]:
        """The (pictures, labels) of one epoch's steps from step `first` on; they depend on the arguments only."""

    def augmentation(self, flip: bool, shift: int, cutout: int, seed: int) -> list:
        """Keras layers from stored pictures to the network's input; see `layers.Augmentation`."""

    def preprocessing(self) -> Any:
        """A Keras layer for `model.build`."""

    def tests(self, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The test (pictures, labels) in batches of `size`, the last one smaller."""

    def evaluate(self, model: Any) -> dict:
        """What Keras measures of a compiled model on the test pictures, by name."""

    def describe(self) -> dict:
        """Which data this is, as JSON values: for records, and to know a checkpoint's data again."""

    def found(self) -> dict:
        """What reading the pictures brought to light so far, as JSON values; empty where nothing can."""

    def recall(self, found: dict) -> None:
        """Take over what `found` returned in the run that is continued."""

    def report(self) -> dict:
        """What a record says of `found`."""


@dataclass(frozen=True)
class Dataset:
    """Pictures and labels, and where they came from.

    x_train, x_test: uint8, (examples, 32, 32, 3), 0 to 255. y_train, y_test: int64 class numbers, (examples,).
    class_names: one per class. provenance: a sentence for captions and records.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    provenance: str

    def __repr__(self):
        return f"Dataset({len(self.x_train):,} training and {len(self.x_test):,} test pictures; {self.provenance})"

    def subset(self, train=None, test=None, seed=0):
        """A smaller dataset with equally many pictures of every class; None keeps all of a split.

        Raises ValueError where a split does not hold that many, or the classes do not divide the number.
        """

        def pick(x, y, count):
            if count is None:
                return x, y
            classes = len(self.class_names)
            if count % classes or any(np.sum(y == c) < count // classes for c in range(classes)):
                raise ValueError(f"cannot pick {count} pictures, equally many of {classes} classes, from {len(y)}")
            rng = np.random.default_rng(seed)
            chosen = np.concatenate(
                [rng.permutation(np.flatnonzero(y == c))[: count // classes] for c in range(classes)]
            )
            chosen = rng.permutation(chosen)
            return x[chosen], y[chosen]

        x_train, y_train = pick(self.x_train, self.y_train, train)
        x_test, y_test = pick(self.x_test, self.y_test, test)
        return dataclasses.replace(self, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)

    # What follows makes it a `Source`.

    @property
    def train_count(self):
        return len(self.x_train)

    @property
    def picture_shape(self):
        return self.x_train.shape[1:]

    @property
    def picture_dtype(self):
        return self.x_train.dtype.name

    @property
    def input_shape(self):
        return self.picture_shape

    def batches(self, size, seed, epoch, first=0):
        order = np.random.default_rng([seed, epoch]).permutation(len(self.x_train))
        for step in range(first, len(order) // size):
            # A few hundred kilobytes of uint8: far less work than a step.
            chosen = order[step * size : (step + 1) * size]
            yield self.x_train[chosen], self.y_train[chosen]

    def augmentation(self, flip, shift, cutout, seed):
        from alexnet import layers

        if not (flip or shift or cutout):
            return []
        return [layers.Augmentation(flip, shift, cutout, seed=seed, dtype="float32", name="augmentation")]

    def preprocessing(self):
        return normalization(self.x_train)

    def tests(self, size):
        for start in range(0, len(self.x_test), size):
            yield self.x_test[start : start + size], self.y_test[start : start + size]

    def evaluate(self, model):
        return model.evaluate(self.x_test, self.y_test, batch_size=500, verbose=0, return_dict=True)

    def describe(self):
        return {
            "provenance": self.provenance,
            "train": len(self.x_train),
            "test": len(self.x_test),
            "sum": int(self.x_train.sum(dtype="int64")),
        }

    def found(self):
        return {}

    def recall(self, found):
        pass

    def report(self):
        return {}


def normalization(images, name="normalize"):
    """A Keras layer that subtracts the mean of each colour channel over `images` and divides by its deviation.

    Put it into the model (`model.build(..., preprocessing=...)`): then the model takes stored pixels, 0 to 255.
    The paper subtracts the mean picture and does not divide (section 2); one mean per channel lets crops shift.
    """
    import keras

    # One batch at a time: a float copy of all of CIFAR-10 would take 1.2 GB.
    parts = [images[i : i + 5000].reshape(-1, images.shape[-1]).astype("float64") for i in range(0, len(images), 5000)]
    count = sum(map(len, parts))
    mean = sum(part.sum(0) for part in parts) / count
    variance = sum(np.square(part - mean).sum(0) for part in parts) / count
    return keras.layers.Normalization(axis=-1, mean=mean.tolist(), variance=variance.tolist(), name=name)


def principal_colors(images):
    """The principal axes of all pixels' colours, the longest first: (components, deviations).

    images: (count, height, width, 3), any scale, or an iterable of such arrays. components: (3, 3), an axis of length 1
    in each row, its largest entry positive. deviations: (3,), the standard deviations along the axes in the unit of the
    pixels; the eigenvalues of the paper's section 4.1 are their squares. For `layers.PCAColorNoise`.
    """
    # One batch at a time: a float copy of all of CIFAR-10 would take 1.2 GB.
    whole = isinstance(images, np.ndarray)
    batches = (images[start : start + 5000] for start in range(0, len(images), 5000)) if whole else images
    total, products, count = np.zeros(3), np.zeros((3, 3)), 0
    for batch in batches:
        pixels = batch.reshape(-1, 3).astype("float64")
        total, products, count = total + pixels.sum(0), products + pixels.T @ pixels, count + len(pixels)
    mean = total / count
    eigenvalues, axes = np.linalg.eigh(products / count - np.outer(mean, mean))
    components = axes.T[::-1]
    signs = np.sign(components[np.arange(3), np.abs(components).argmax(1)])
    return components * signs[:, None], np.sqrt(np.maximum(eigenvalues[::-1], 0))


def ten_crops(pictures, size):
    """The four corners and the middle of every picture, and their mirror images (the paper, section 4.1).

    pictures: (count, height, width, channels). Returns (10, count, size, size, channels) of the same dtype: corners
    from the upper left on, row by row, the middle, then the same five mirrored.
    Raises ValueError where a picture is smaller than the crop.
    """
    height, width = pictures.shape[1:3]
    if size > min(height, width):
        raise ValueError(f"cannot cut {size} pixels from a picture of {height} x {width}")
    down, right = height - size, width - size
    corners = [(0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)]
    five = np.stack([pictures[:, top : top + size, left : left + size] for top, left in corners])
    return np.concatenate([five, five[:, :, :, ::-1]])


def cifar10(download=True):
    """CIFAR-10 as a `Dataset` of 50,000 training and 10,000 test pictures.

    Looks in the folder that the environment variable ALEXNET_DATA names (it holds `cifar-10-batches-py`), then in
    Keras's cache (~/.keras/datasets), then downloads the official archive through Keras (unless `download` is False).
    Every file's checksum is compared before it is opened, and the reader of the files admits arrays and text only.
    Raises DataError that says what is wrong and what to do.
    """
    named = os.environ.get("ALEXNET_DATA")
    if named:
        folder = Path(named).expanduser()
        for candidate in (folder / FOLDER, folder):
            if (candidate / "test_batch").exists() or (candidate.name == FOLDER and candidate.exists()):
                return _read(candidate)
        raise DataError(
            f"ALEXNET_DATA is {named}, but there is no {FOLDER} in it. "
            f"Unpack cifar-10-python.tar.gz ({ADDRESS}) there, "
            "or unset ALEXNET_DATA to let the book download it."
        )
    for candidate in _cached():
        if (candidate / "test_batch").exists():
            return _read(candidate)
    if not download:
        raise DataError(
            "CIFAR-10 is not on this machine. "
            f"Call alexnet.data.cifar10() to download it ({ARCHIVE_BYTES / 1e6:.0f} MB)."
        )
    return _read(_download())


def cache_folder():
    """Where Keras keeps data sets on this machine."""
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets"


def _cached():
    # Keras 3 unpacks to a folder named after the archive, Keras 2 beside it.
    return [
        cache_folder() / part
        for part in (Path("cifar-10-batches-py-target") / FOLDER, Path("cifar-10-batches-py") / FOLDER, Path(FOLDER))
    ]


def _download():
    """Fetch and unpack the official archive into Keras's cache; return the folder of the batches."""
    import keras

    target = cache_folder()
    target.mkdir(parents=True, exist_ok=True)
    needed = 2.2 * ARCHIVE_BYTES
    free = shutil.disk_usage(target).free
    if free < needed:
        raise DataError(
            f"CIFAR-10 needs {needed / 1e6:.0f} MB in {target}, which has {free / 1e6:.0f} MB free. "
            "Make room, or set KERAS_HOME to a folder on a larger disk."
        )
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(20)
    try:
        archive = Path(
            keras.utils.get_file(
                "cifar-10-python.tar.gz", ADDRESS, file_hash=ARCHIVE_SHA256, cache_dir=str(target.parent)
            )
        )
        with tarfile.open(archive) as opened:
            opened.extractall(target, filter="data")
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DataError(
                f"The disk became full while CIFAR-10 was written to {target}. Make room, or set KERAS_HOME."
            ) from error
        raise DataError(_no_network(error)) from error
    except tarfile.TarError as error:
        raise DataError(f"{archive} is damaged ({error}). Delete it and try again.") from error
    except Exception as error:
        # Keras wraps what the network said, and what a wrong checksum means, in a bare Exception or ValueError.
        if "hash" in str(error) or "corrupted" in str(error):
            raise DataError(
                f"The archive from {ADDRESS} has a wrong checksum: {error}. Delete it from {target} and try again."
            ) from error
        raise DataError(_no_network(error)) from error
    finally:
        socket.setdefaulttimeout(before)
    return target / FOLDER


def _no_network(error):
    reason = getattr(error, "reason", error)
    return (
        f"CIFAR-10 could not be downloaded from {ADDRESS} ({reason}). With a network, try again. Without one, copy the "
        f"folder {FOLDER} here and set ALEXNET_DATA to the folder that holds it, "
        "or use alexnet.data.patches10(), which needs no download."
    )


def _read(folder):
    """Read a folder of batches: checksum first, then the restricted reader."""
    missing = [name for name in FILES if not (folder / name).exists()]
    if missing:
        raise DataError(f"{folder} lacks {', '.join(missing)}. Unpack cifar-10-python.tar.gz ({ADDRESS}) again.")
    contents = {name: (folder / name).read_bytes() for name in FILES}
    provenance = _vouch(folder, contents)
    pictures, labels = {}, {}
    for name, content in contents.items():
        pictures[name], labels[name] = _batch(folder / name, content)
    return Dataset(
        x_train=np.concatenate([pictures[name] for name in TRAINING_FILES]),
        y_train=np.concatenate([labels[name] for name in TRAINING_FILES]),
        x_test=pictures["test_batch"],
        y_test=labels["test_batch"],
        class_names=CIFAR10_NAMES,
        provenance=provenance,
    )


def _vouch(folder, contents):
    """What these files are, by their checksums. Raises DataError for files that nothing vouches for."""
    declaration = folder / DECLARATION
    declared = json.loads(declaration.read_text()) if declaration.exists() else {"sha256": {}, "provenance": ""}
    known = [
        ("md5", _MD5, OFFICIAL),
        ("sha256", _JPEG_SHA256, JPEG_COPY),
        ("sha256", declared["sha256"], declared["provenance"]),
    ]
    for algorithm, sums, provenance in known:
        wrong = [
            name
            for name in FILES
            if hashlib.new(algorithm, contents[name], usedforsecurity=False).hexdigest() != sums.get(name)
        ]
        if not wrong:
            return provenance
        if len(wrong) < len(FILES):
            break
    else:
        wrong = list(FILES)
    sizes = ", ".join(f"{name} ({len(contents[name]):,} bytes)" for name in wrong)
    short = [name for name in wrong if len(contents[name]) < 10_000 * 3072]
    problem = "truncated or not complete" if short else "not as released"
    raise DataError(
        f"wrong checksum in {folder}: {sizes}; the files are {problem}. "
        f"Unpack cifar-10-python.tar.gz ({ADDRESS}) again. "
        "If you changed the pictures on purpose, say so with: python -m alexnet.data declare FOLDER 'what they are'."
    )


def declare(folder, provenance):
    """Vouch for the batches in `folder`: write their checksums and what they are beside them. Returns the path."""
    folder = Path(folder)
    folder = folder / FOLDER if (folder / FOLDER).exists() else folder
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}
    path = folder / DECLARATION
    path.write_text(json.dumps({"provenance": provenance, "sha256": sums}, indent=1) + "\n")
    return path


class _ArraysOnly(pickle.Unpickler):
    """An unpickler for arrays, numbers, text and containers of them; a file that names anything else is refused."""

    _NAMES: ClassVar = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): lambda text, encoding: (
            text.encode("latin1") if encoding == "latin1" else _refuse(encoding)
        ),
    }
    _RECONSTRUCT: ClassVar = {"numpy.core.multiarray", "numpy._core.multiarray"}

    def find_class(self, module, name):
        if module in self._RECONSTRUCT and name == "_reconstruct":
            return _reconstruct
        if (module, name) in self._NAMES:
            return self._NAMES[module, name]
        return _refuse(f"{module}.{name}")


def _reconstruct(kind, shape, typecode):
    return np.ndarray.__new__(np.ndarray if kind is np.ndarray else _refuse(kind), shape, typecode)


def _refuse(what):
    raise pickle.UnpicklingError(f"it asks for {what}, which no batch of pictures needs")


def _batch(path, content):
    """Pictures (n, 32, 32, 3) uint8 and labels (n,) of one batch file."""
    try:
        batch = _ArraysOnly(io.BytesIO(content), encoding="bytes").load()
        rows, labels = batch[b"data"], np.asarray(batch[b"labels"], dtype="int64")
        if rows.dtype != np.uint8 or rows.shape != (len(labels), 3072) or labels.min() < 0 or labels.max() > 9:
            raise ValueError(f"pictures of {rows.dtype} in {rows.shape} with {len(labels)} labels")
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise DataError(
            f"{path} is not a batch of CIFAR-10: {error or type(error).__name__}. Unpack it again from {ADDRESS}."
        ) from error
    return np.ascontiguousarray(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), labels


def load(notice=print):
    """What a chapter works on: CIFAR-10, or `patches10` where that cannot be had, with a visible notice.

    In the quick profile nothing is downloaded: CIFAR-10 is used only where it is already on the machine.
    """
    from alexnet.training import profile

    try:
        return cifar10(download=profile() != "quick")
    except DataError as error:
        dataset = patches10()
        notice(f"Using patches of ten photographs instead of CIFAR-10. {error}")
        return dataset


@dataclass(frozen=True)
class Photograph:
    """A photograph that an installed package carries: name, the package's loader, and where it is from."""

    name: str
    package: str
    file: str
    credit: str


# Credits as the packages give them (skimage.data docstrings; sklearn/datasets/images/README.txt).
PHOTOGRAPHS = (
    Photograph("astronaut", "skimage", "astronaut.png", "NASA, public domain"),
    Photograph("cat", "skimage", "chelsea.png", "Stéfan van der Walt, CC0"),
    Photograph("coffee", "skimage", "coffee.png", "Rachel Michetti, CC0"),
    Photograph("galaxies", "skimage", "hubble_deep_field.jpg", "NASA, public domain"),
    Photograph(
        "tissue",
        "skimage",
        "ihc.png",
        "Centre for Microscopy, Characterisation and Analysis, UWA, no known copyright restrictions",
    ),
    Photograph("motorcycle", "skimage", "motorcycle_left.png", "Middlebury stereo benchmark, 2014, CC0"),
    Photograph("retina", "skimage", "retina.jpg", "Mitchell Hoang, CC0"),
    Photograph("rocket", "skimage", "rocket.jpg", "SpaceX, CC0"),
    Photograph("temple", "sklearn", "china.jpg", "danielbuechele, CC BY 2.0"),
    Photograph("flower", "sklearn", "flower.jpg", "vultilion, CC BY 2.0"),
)


def photograph(photo):
    """The pixels of a photograph, (height, width, 3) uint8, read from the installed package's folder."""
    if photo.package == "skimage":
        import skimage
        import skimage.io

        return skimage.io.imread(Path(skimage.__file__).parent / "data" / photo.file)[..., :3]
    from sklearn.datasets import load_sample_image

    return load_sample_image(photo.file)


def patches10(train=5000, test=1000, seed=0):
    """Ten classes of 32 x 32 patches, one class for each of ten photographs; nothing to download.

    Each class is a photograph from scikit-image or scikit-learn (`PHOTOGRAPHS`), shrunk so that a patch shows
    structure. Training patches come from the left of it, test patches from the right, with a strip between that
    neither uses; the parts are cut before they are shrunk, so no pixel of one reaches the other (tests/test_data.py
    replaces the pixels of one split by noise and sees that the other split does not change).
    Colour and brightness alone would give the class away to a linear classifier, so every patch gets its own mixture
    of colour channels, contrast and brightness, and may be flipped.

    train, test: pictures in all, multiples of ten. Deterministic for a seed. Raises ValueError for other numbers.
    """
    if train % 10 or test % 10:
        raise ValueError(f"train and test are multiples of ten, one tenth for each photograph; got {train} and {test}")
    rng = np.random.default_rng(seed)
    splits = {"train": ([], []), "test": ([], [])}
    for label, photo in enumerate(PHOTOGRAPHS):
        picture = photograph(photo)
        for split, count in (("train", train // 10), ("test", test // 10)):
            part = _part(picture, split)
            rows, columns = (rng.integers(0, side - 31, count) for side in part.shape[:2])
            patches = np.stack([part[r : r + 32, c : c + 32] for r, c in zip(rows, columns, strict=True)])
            splits[split][0].append(_disguised(patches, rng))
            splits[split][1].append(np.full(count, label))
    arrays = []
    for x, y in splits.values():
        order = rng.permutation(sum(map(len, y)))
        arrays += [np.concatenate(x)[order], np.concatenate(y)[order]]
    names = tuple(photo.name for photo in PHOTOGRAPHS)
    return Dataset(*arrays, names, "patches10: 32x32 patches of ten photographs from scikit-image and scikit-learn")


def _part(picture, split, rows=192):
    """The part of a photograph that a split may see, shrunk to `rows` rows: (rows, columns, 3) uint8."""
    from skimage.transform import resize

    height, width = picture.shape[:2]
    part = picture[:, : int(0.60 * width)] if split == "train" else picture[:, int(0.64 * width) :]
    columns = round(part.shape[1] * rows / height)
    return np.round(resize(part, (rows, columns), anti_aliasing=True, preserve_range=True)).astype("uint8")


def _disguised(patches, rng):
    """Patches whose colours are mixed, and contrast, brightness and orientation changed, each by its own draw."""
    count = len(patches)
    x = patches.astype("float32")
    mixing = rng.dirichlet((1.0, 1.0, 1.0), (count, 3)).astype("float32")
    x = np.einsum("nhwc,ndc->nhwd", x, mixing)
    mean = x.mean((1, 2), keepdims=True)
    contrast = rng.uniform(0.6, 1.4, (count, 1, 1, 1))
    brightness = rng.uniform(70, 185, (count, 1, 1, 3))
    x = (x - mean) * contrast + brightness
    flipped = rng.random(count) < 0.5
    x[flipped] = x[flipped, :, ::-1]
    return np.clip(np.round(x), 0, 255).astype("uint8")


def digits32(test=500, seed=0):
    """The 1,797 handwritten digits that scikit-learn carries, enlarged to 32 x 32 grey pictures; nothing to download.

    The digits have 8 x 8 pixels of 0 to 16 (sklearn.datasets.load_digits: the test set of Alpaydin and Kaynak's optical
    recognition of handwritten digits, UCI, 1998). They are enlarged by linear interpolation, brought to 0 to 255 and
    given three equal channels. Who wrote which is not recorded, so the same hands are in both splits.

    test: pictures in the test set, equally many of each digit; the rest are for training, at least 124 of each digit
    for 500. Deterministic for a seed. Raises ValueError where `test` is no multiple of ten or more than there are.
    """
    from skimage.transform import resize
    from sklearn.datasets import load_digits

    stored = load_digits()
    labels = stored.target.astype("int64")
    if test % 10 or test // 10 > np.bincount(labels).min():
        raise ValueError(f"test is a multiple of ten, and each digit must be there often enough; got {test}")
    large = resize(stored.images / 16, (len(labels), 32, 32), order=1, mode="edge", anti_aliasing=False)
    pictures = np.repeat(np.round(255 * large).astype("uint8")[..., None], 3, axis=3)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    rank = np.empty(len(labels), "int64")
    for digit in range(10):
        of_it = order[labels[order] == digit]
        rank[of_it] = np.arange(len(of_it))
    held = order[rank[order] < test // 10]
    kept = order[rank[order] >= test // 10]
    names = tuple(str(digit) for digit in range(10))
    return Dataset(
        pictures[kept],
        labels[kept],
        pictures[held],
        labels[held],
        names,
        "digits32: the handwritten digits of scikit-learn, enlarged from 8 x 8 to 32 x 32 pixels",
    )


if __name__ == "__main__":
    import sys

    if len(sys.argv) != 4 or sys.argv[1] != "declare":
        sys.exit("usage: python -m alexnet.data declare FOLDER 'what the pictures are'")
    print(declare(sys.argv[2], sys.argv[3]))
