"""Data: what is admitted, what is refused and with which words, and what the embedded default is worth."""

import errno
import io
import json
import os
import pickle
import shutil
import urllib.error

import keras
import numpy as np
import pytest

from alexnet import data, model, training


@pytest.fixture
def folder(tmp_path):
    """Batches in the official layout, small and made up, vouched for by a declaration."""
    batches, rng = tmp_path / data.FOLDER, np.random.default_rng(0)
    batches.mkdir()
    for name in data.FILES:
        batch = {b"data": rng.integers(0, 256, (20, 3072), dtype="uint8"), b"labels": [i % 10 for i in range(20)]}
        (batches / name).write_bytes(pickle.dumps(batch, protocol=4))
    data.declare(tmp_path, "made up for a test")
    return batches


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.setenv("ALEXNET_DATA", str(folder.parent))
    return folder


def test_reads_the_official_layout(here):
    cifar = data.cifar10()
    assert cifar.x_train.shape == (100, 32, 32, 3) and cifar.x_test.shape == (20, 32, 32, 3)
    assert cifar.x_train.dtype == np.uint8 and cifar.y_test.tolist() == [i % 10 for i in range(20)]
    assert cifar.provenance == "made up for a test" and cifar.class_names[3] == "cat"
    first = pickle.loads((here / "data_batch_1").read_bytes())[b"data"][0]
    np.testing.assert_array_equal(cifar.x_train[0, 2, 5], [first[c * 1024 + 2 * 32 + 5] for c in range(3)])


def test_the_folder_itself_may_be_named(here, monkeypatch):
    monkeypatch.setenv("ALEXNET_DATA", str(here))
    assert len(data.cifar10().x_test) == 20


def test_python_2_pickles_are_read(here):
    """The official files were written by Python 2: protocol 2, byte strings, numpy.core."""
    for name in data.FILES:
        batch = pickle.loads((here / name).read_bytes())
        (here / name).write_bytes(pickle.dumps(batch, protocol=2))
    data.declare(here, "protocol 2")
    assert len(data.cifar10().x_train) == 100


def test_arrays_as_python_2_pickled_them():
    """Written out by hand: in the official files dtype and type code are byte strings."""
    written = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tS'b'\ntR(K\x01(K\x02K\x03t"
        b"cnumpy\ndtype\n(S'u1'\nK\x00K\x01tR(K\x03S'|'\nNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89S'abcdef'\ntb."
    )
    array = data._ArraysOnly(io.BytesIO(written), encoding="bytes").load()
    assert array.dtype == np.uint8 and array.tolist() == [[97, 98, 99], [100, 101, 102]]


def test_missing_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("ALEXNET_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(data.DataError, match=r"there is no cifar-10-batches-py in it.*Unpack"):
        data.cifar10()


def test_missing_file(here):
    (here / "data_batch_3").unlink()
    with pytest.raises(data.DataError, match="lacks data_batch_3"):
        data.cifar10()


def test_truncated_file(here):
    content = (here / "test_batch").read_bytes()
    (here / "test_batch").write_bytes(content[: len(content) // 2])
    with pytest.raises(data.DataError, match=r"wrong checksum.*test_batch.*truncated.*Unpack"):
        data.cifar10()


def test_changed_file_of_full_size(here):
    content = bytearray((here / "data_batch_2").read_bytes()) + bytes(10_000 * 3072)
    (here / "data_batch_2").write_bytes(content)
    with pytest.raises(data.DataError, match=r"data_batch_2 .*not as released.*alexnet.data declare"):
        data.cifar10()


def test_nothing_is_unpickled_before_its_checksum_fits(here, monkeypatch):
    monkeypatch.setattr(data, "_batch", lambda *_: pytest.fail("opened a file whose checksum is wrong"))
    (here / "test_batch").write_bytes(b"changed")
    with pytest.raises(data.DataError, match="wrong checksum"):
        data.cifar10()


class _Evil:
    def __init__(self, call):
        self.call = call

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "call",
    [(os.system, ("touch owned",)), (eval, ("open('owned', 'w')",)), (np.load, ("owned",)), (getattr, ("", "join"))],
)
def test_a_pickle_that_runs_code_is_refused(here, monkeypatch, tmp_path, call):
    monkeypatch.chdir(tmp_path)
    (here / "test_batch").write_bytes(pickle.dumps({b"data": _Evil(call), b"labels": [0]}))
    data.declare(here, "even where somebody vouches for it")
    with pytest.raises(data.DataError, match="is not a batch of CIFAR-10: it asks for"):
        data.cifar10()
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    "batch",
    [
        [],
        {b"data": np.zeros((20, 3072), "uint8")},
        {b"data": np.zeros((20, 3072), "float32"), b"labels": [0] * 20},
        {b"data": np.zeros((20, 3072), "uint8"), b"labels": [10] * 20},
        {b"data": np.zeros((19, 3072), "uint8"), b"labels": [0] * 20},
    ],
)
def test_files_of_another_form_are_refused(here, batch):
    (here / "test_batch").write_bytes(pickle.dumps(batch))
    data.declare(here, "vouched for")
    with pytest.raises(data.DataError, match="is not a batch of CIFAR-10"):
        data.cifar10()


@pytest.fixture
def empty_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("ALEXNET_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (urllib.error.URLError("no route to host"), r"could not be downloaded.*no route to host.*ALEXNET_DATA"),
        (Exception("URL fetch failure on https://...: 403"), "could not be downloaded"),
        (TimeoutError("timed out"), "could not be downloaded"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk became full"),
        (ValueError("Incomplete or corrupted file detected. The sha256 file hash does not match"), "wrong checksum"),
    ],
)
def test_download_that_fails_says_what_to_do(empty_cache, monkeypatch, error, message):
    def get_file(*_, **__):
        raise error

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    with pytest.raises(data.DataError, match=message):
        data.cifar10()


def test_a_full_disk_is_seen_before_the_download(empty_cache, monkeypatch):
    monkeypatch.setattr(keras.utils, "get_file", lambda *_, **__: pytest.fail("started a download"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 99, 1))
    with pytest.raises(data.DataError, match=r"needs 375 MB.*Make room"):
        data.cifar10()


def test_downloaded_archive_is_unpacked_and_checked(empty_cache, monkeypatch, folder, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "archive"), "gztar", folder.parent, data.FOLDER)
    monkeypatch.setattr(keras.utils, "get_file", lambda *_, **__: archive)
    assert data.cifar10().provenance == "made up for a test"


def test_quick_chapters_download_nothing_and_say_so(empty_cache, monkeypatch):
    monkeypatch.setattr(keras.utils, "get_file", lambda *_, **__: pytest.fail("started a download"))
    notices = []
    assert data.load(notice=notices.append).provenance.startswith("patches10")
    assert "ten photographs instead of CIFAR-10" in notices[0]


@pytest.mark.skipif("ALEXNET_DATA" not in os.environ, reason="left out: ALEXNET_DATA names no CIFAR-10 on this machine")
def test_the_real_cifar10():
    cifar = data.cifar10()
    assert cifar.x_train.shape == (50_000, 32, 32, 3) and cifar.x_test.shape == (10_000, 32, 32, 3)
    assert np.bincount(cifar.y_train).tolist() == [5000] * 10 and np.bincount(cifar.y_test).tolist() == [1000] * 10
    assert "Krizhevsky, 2009" in cifar.provenance
    np.testing.assert_allclose(cifar.x_train.mean((0, 1, 2)) / 255, [0.491, 0.482, 0.447], atol=0.003)


def test_subset_is_balanced_and_repeats():
    patches = data.patches10(1000, 500)
    small = patches.subset(train=100, test=50, seed=3)
    assert np.bincount(small.y_train).tolist() == [10] * 10 and np.bincount(small.y_test).tolist() == [5] * 10
    np.testing.assert_array_equal(small.x_train, patches.subset(train=100, test=50, seed=3).x_train)
    assert len(patches.subset(test=50).x_train) == 1000
    for count in (101, 2000):
        with pytest.raises(ValueError, match="cannot pick"):
            patches.subset(train=count)


def test_patches_are_balanced_and_deterministic():
    one, two = data.patches10(), data.patches10()
    assert np.bincount(one.y_train).tolist() == [500] * 10 and np.bincount(one.y_test).tolist() == [100] * 10
    for name in ("x_train", "y_train", "x_test", "y_test"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert not np.array_equal(one.x_train, data.patches10(seed=1).x_train)
    with pytest.raises(ValueError, match="multiples of ten"):
        data.patches10(train=15)


def test_digits_are_the_packages_enlarged():
    from sklearn.datasets import load_digits

    digits, stored = data.digits32(), load_digits()
    assert len(digits.y_train) == 1297 and np.bincount(digits.y_test).tolist() == [50] * 10
    pictures, labels = (
        np.concatenate(parts) for parts in ((digits.x_train, digits.x_test), (digits.y_train, digits.y_test))
    )
    assert pictures.shape == (1797, 32, 32, 3) and pictures.dtype == np.uint8 and (pictures == pictures[..., :1]).all()
    # Means over the squares that a stored pixel has become tell which digit it was; each is there once.
    small = pictures[..., 0].reshape(-1, 8, 4, 8, 4).mean((2, 4)).reshape(len(labels), -1)
    own = stored.images.reshape(len(labels), -1) * 255 / 16
    nearest = ((own**2).sum(1) - 2 * small @ own.T).argmin(1)
    assert len(set(nearest)) > 1790 and (stored.target[nearest] == labels).mean() > 0.999
    np.testing.assert_array_equal(digits.x_test, data.digits32().x_test)
    assert not np.array_equal(digits.x_test, data.digits32(seed=1).x_test)
    for test in (55, 1800):
        with pytest.raises(ValueError, match="a multiple of ten"):
            data.digits32(test)


@pytest.mark.parametrize("spoilt", ["train", "test"])
def test_no_pixel_of_one_split_reaches_the_other(monkeypatch, spoilt):
    """Replace the pixels that one split may see by noise: the other split must not change, and this one must."""
    before, photograph = data.patches10(500, 500), data.photograph

    def spoil(photo):
        picture = photograph(photo).copy()
        width = picture.shape[1]
        columns = slice(0, int(0.60 * width)) if spoilt == "train" else slice(int(0.64 * width), None)
        picture[:, columns] = np.random.default_rng(1).integers(0, 256, picture[:, columns].shape)
        return picture

    monkeypatch.setattr(data, "photograph", spoil)
    after = data.patches10(500, 500)
    kept = "test" if spoilt == "train" else "train"
    np.testing.assert_array_equal(getattr(after, f"x_{kept}"), getattr(before, f"x_{kept}"))
    assert not np.array_equal(getattr(after, f"x_{spoilt}"), getattr(before, f"x_{spoilt}"))


def test_patches_are_hard_for_a_linear_classifier_and_not_for_a_small_cnn():
    from sklearn.linear_model import LogisticRegression

    from alexnet.architecture import Architecture, Conv, Dense, Pool

    patches = data.patches10(3000, 1000)
    flat = [x.reshape(len(x), -1) / 255 - 0.5 for x in (patches.x_train, patches.x_test)]
    linear = LogisticRegression(C=0.01, max_iter=100).fit(flat[0], patches.y_train).score(flat[1], patches.y_test)
    convolutional = Architecture(
        "small",
        "",
        (32, 32, 3),
        [
            Conv("conv1", 24, 5),
            Pool("pool1", 3, 2),
            Conv("conv2", 32, 3),
            Pool("pool2", 3, 2),
            Dense("fc3", 64),
            Dense("fc4", 10, None),
        ],
        rounding="up",
    )
    recipe = training.Recipe(
        epochs=6, batch_size=50, optimizer="adam", learning_rate=0.003, weight_decay=0.0, shift=0, precision="float32"
    )
    run = training.train(convolutional, patches, recipe, progress=False)
    assert linear < 0.3 and run.history[-1]["test_accuracy"] > linear + 0.15, (linear, run.history[-1])


def test_normalization_is_that_of_the_training_pictures():
    patches = data.patches10(500, 100)
    out = keras.ops.convert_to_numpy(data.normalization(patches.x_train)(patches.x_train.astype("float32")))
    np.testing.assert_allclose(out.mean((0, 1, 2)), 0, atol=1e-3)
    np.testing.assert_allclose(out.std((0, 1, 2)), 1, atol=1e-3)
    built = model.build("cifar10", preprocessing=data.normalization(patches.x_train))
    assert built.layers[1].name == "normalize"


def test_principal_colours_diagonalise_the_covariance():
    pictures = data.patches10(500, 100).x_train
    components, deviations = data.principal_colors(pictures)
    pixels = pictures.reshape(-1, 3).astype("float64")
    np.testing.assert_allclose(components @ components.T, np.eye(3), atol=1e-12)
    wanted = np.diag(deviations**2)
    np.testing.assert_allclose(
        components @ np.cov(pixels.T, bias=True) @ components.T, wanted, atol=1e-6 * wanted.max()
    )
    assert deviations[0] > deviations[1] > deviations[2] > 0
    assert (components.max(1) == np.abs(components).max(1)).all(), "the largest entry is positive"
    np.testing.assert_allclose(data.principal_colors(pictures / 255.0)[1], deviations / 255)


def test_ten_crops():
    pictures = np.random.default_rng(0).integers(0, 256, (3, 8, 9, 3), dtype="uint8")
    ten = data.ten_crops(pictures, 6)
    assert ten.shape == (10, 3, 6, 6, 3) and ten.dtype == np.uint8
    for at, (row, column) in enumerate([(0, 0), (0, 3), (2, 0), (2, 3), (1, 1)]):
        np.testing.assert_array_equal(ten[at], pictures[:, row : row + 6, column : column + 6])
        np.testing.assert_array_equal(ten[at + 5], ten[at][:, :, ::-1])
    with pytest.raises(ValueError, match="cannot cut 9 pixels from a picture of 8 x 9"):
        data.ten_crops(pictures, 9)


def test_photographs_are_credited():
    assert len(data.PHOTOGRAPHS) == 10 and all(photo.credit for photo in data.PHOTOGRAPHS)


def test_declare_from_the_command_line(folder):
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "alexnet.data", "declare", folder, "mine"], capture_output=True, text=True
    )
    assert done.returncode == 0 and json.loads((folder / data.DECLARATION).read_text())["provenance"] == "mine"
