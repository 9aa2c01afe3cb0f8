"""ImageNet's folders as a stream: what is read, left out and counted, the same in every run; testing on ten windows."""

import sys

import keras
import numpy as np
import pytest
from PIL import Image

from alexnet import data, imagenet, model, training
from alexnet.data import DataError

SIZE, CROP = 40, 32
# What a class's pictures are mostly like, so that a picture tells its label.
COLORS = {"n01": (200, 60, 60), "n02": (60, 200, 60), "n03": (60, 60, 200)}
BAD = {"train/n01/03.JPEG", "train/n01/04.JPEG", "val/n02/00.JPEG"}
ODD = {"train/n01/00.JPEG": "CMYK", "train/n01/01.JPEG": "greyscale", "train/n01/02.JPEG": "PNG named .JPEG"}


def make_tree(root, train=8, val=4):
    """A small ImageNet with every kind of file that is not as it should be, all in places where they are met."""
    rng = np.random.default_rng(0)
    for split, count in (("train", train), ("val", val)):
        for name, color in COLORS.items():
            folder = root / split / name
            folder.mkdir(parents=True)
            for at in range(count):
                height, width = rng.integers(50, 90, 2)
                pixels = np.clip(rng.normal(color, 40, (height, width, 3)), 0, 255).astype("uint8")
                Image.fromarray(pixels).save(folder / f"{at:02}.JPEG", format="JPEG")
    first = root / "train" / "n01"
    opened = [Image.open(first / f"{at:02}.JPEG") for at in range(3)]
    opened[0].convert("CMYK").save(first / "00.JPEG", format="JPEG")
    opened[1].convert("L").save(first / "01.JPEG", format="JPEG")
    opened[2].save(first / "02.JPEG", format="PNG")
    (first / "03.JPEG").write_bytes(b"")
    whole = (first / "04.JPEG").read_bytes()
    (first / "04.JPEG").write_bytes(whole[: len(whole) // 2])
    (first / "._05.JPEG").write_bytes(b"what a Macintosh leaves behind")
    (first / "list.txt").write_text("no picture")
    (root / "val" / "n02" / "00.JPEG").write_bytes(b"not a picture")
    return root


@pytest.fixture
def tree(tmp_path):
    return make_tree(tmp_path / "tree")


@pytest.fixture
def opened(tree, tmp_path):
    return lambda **settings: imagenet.folder(
        tree, **{"size": SIZE, "crop": CROP, "cache": tmp_path / "cache", **settings}
    )


def label_of(pixels):
    """The class that the mean colour gives away; that of the greyscale picture is n01 too, having no colour."""
    mean = pixels.reshape(-1, 3).mean(0)
    return 0 if np.ptp(mean) < 20 else int(mean.argmax())


def test_the_shorter_side_is_scaled_and_the_middle_kept(tmp_path):
    stripes = np.zeros((60, 180, 3), "uint8")
    for at in range(3):
        stripes[:, 60 * at : 60 * at + 60, at] = 255
    for name, pixels in (("wide.png", stripes), ("tall.png", stripes.transpose(1, 0, 2))):
        Image.fromarray(pixels).save(tmp_path / name)
        middle, what = imagenet.picture(tmp_path / name, 20)
        assert middle.shape == (20, 20, 3) and middle.dtype == np.uint8 and what is None
        assert (middle[2:-2, 2:-2] == [0, 255, 0]).all()
    ramp = np.repeat(np.arange(240, dtype="uint8")[None, :, None], 120, 0).repeat(3, 2)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    middle, _ = imagenet.picture(tmp_path / "ramp.png", 60)
    np.testing.assert_allclose(middle[30, 1:-1, 0], np.arange(60, 180, 2)[1:-1] + 0.5, atol=1), "halved, from 60 on"


@pytest.mark.parametrize(("mode", "told"), [("RGB", None), ("CMYK", "CMYK"), ("L", "greyscale")])
def test_colours_survive_the_conversion(tmp_path, mode, told):
    Image.new("RGB", (50, 50), (200, 60, 60)).convert(mode).save(tmp_path / "one.JPEG", format="JPEG")
    pixels, what = imagenet.picture(tmp_path / "one.JPEG", 32)
    assert what == told
    wanted = (102, 102, 102) if mode == "L" else (200, 60, 60)
    np.testing.assert_allclose(pixels.reshape(-1, 3).mean(0), wanted, atol=3)


def test_palettes_and_transparency_become_colours(tmp_path):
    Image.new("RGBA", (50, 50), (200, 60, 60, 128)).save(tmp_path / "one.png")
    Image.new("RGB", (50, 50), (200, 60, 60)).convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "two.png")
    for name, mode in (("one.png", "RGBA"), ("two.png", "P")):
        pixels, what = imagenet.picture(tmp_path / name, 32)
        assert what == mode and pixels.shape == (32, 32, 3) and abs(int(pixels[5, 5, 0]) - 200) < 3


def test_classes_are_the_sorted_folders(opened):
    source = opened()
    assert source.class_names == ("n01", "n02", "n03")
    assert source.train_count == 24 and len(source.test) == 12, "every file counts until it is read, hidden ones never"
    assert all(
        path.split("/")[1] == source.class_names[y] for path, y in zip(source.train, source.y_train, strict=True)
    )
    assert source.provenance == "folder tree: 24 training and 12 validation pictures of 3 classes"


def test_labels_belong_to_pictures_and_batches_are_full(opened):
    source = opened()
    for epoch in range(3):
        batches = list(source.batches(8, 0, epoch))
        assert [len(pictures) for pictures, _ in batches] == [8, 8, 8]
        for pictures, labels in batches:
            assert pictures.dtype == np.uint8 and pictures.shape == (8, SIZE, SIZE, 3)
            assert [label_of(one) for one in pictures] == labels.tolist()
    tests = list(source.tests(5))
    assert [len(labels) for _, labels in tests] == [5, 5, 1], "one of twelve is left out"
    assert all([label_of(one) for one in pictures] == labels.tolist() for pictures, labels in tests)


def test_an_epoch_shows_every_picture_that_can_be_read(opened):
    source = opened()
    seen = {one.tobytes() for pictures, _ in source.batches(8, 0, 0) for one in pictures}
    assert len(seen) == 22


def test_batches_depend_on_seed_epoch_and_step_only(opened):
    def drawn(*arguments):
        return [(pictures.tobytes(), labels.tolist()) for pictures, labels in opened().batches(*arguments)]

    whole = drawn(5, 3, 2)
    assert all(drawn(5, 3, 2, first) == whole[first:] for first in range(4))
    for other in (drawn(5, 3, 1), drawn(5, 4, 2)):
        assert not any(one in whole for one in other), "not only what took the place of unreadable pictures"


def test_what_is_wrong_is_counted_once(opened):
    source = opened()
    for epoch in range(2):
        list(source.batches(8, 0, epoch))
        list(source.tests(4))
    assert set(source.skipped) == BAD and source.converted == ODD
    report = source.report()["pictures"]
    assert report["skipped"] == {"train": 2, "val": 1} and set(report["skipped_files"]) == BAD
    assert report["converted"] == {"CMYK": 1, "PNG named .JPEG": 1, "greyscale": 1}
    assert "truncated" in report["skipped_files"]["train/n01/04.JPEG"]
    assert "cannot identify image file 'val/n02/00.JPEG'" in report["skipped_files"]["val/n02/00.JPEG"]
    assert report["summary"].startswith("pictures that cannot be read: 3 (train/n01/03.JPEG, train/n01/04.JPEG, val")


def test_only_the_steps_that_were_made_are_counted(opened, monkeypatch):
    """What threads read ahead must not count, or a stopped run would not know what the whole one knows."""

    def found():
        sources = [opened() for _ in range(3)]
        for first, source in enumerate(sources):
            source.recall({})
            next(source.batches(8, 0, 0, first))
        return [source.found() for source in sources]

    threads = found()
    monkeypatch.setattr(imagenet, "_in_order", lambda read, items, ahead: map(read, items))
    assert found() == threads and any(one["skipped"] for one in threads)


def test_findings_are_taken_over(opened):
    source, again = opened(), opened()
    list(source.batches(8, 0, 0))
    again.recall(source.found())
    assert again.report() == source.report() and again.found() == source.found()
    again.skipped["more"] = "something"
    assert "more" not in source.skipped


def test_statistics_are_those_of_the_readable_training_pictures(opened):
    source = opened(sample=None)
    readable = [path for path in source.train if path not in BAD]
    pictures = np.stack([imagenet.picture(source.directory / path, SIZE)[0] for path in readable])
    np.testing.assert_allclose(source.mean, pictures.mean(0), rtol=1e-5)
    components, deviations = data.principal_colors(pictures)
    np.testing.assert_allclose(source.components, components, atol=1e-9)
    np.testing.assert_allclose(source.deviations, deviations)
    assert source.sample == 24 and not source.skipped.keys() & set(source.train), "training has not met them"


def test_a_sample_is_so_many_readable_pictures(opened):
    drawn = []
    source = opened(sample=5)
    for at in np.random.default_rng(0).permutation(24):
        if source.train[at] not in BAD and len(drawn) < 5:
            drawn.append(imagenet.picture(source.directory / source.train[at], SIZE)[0])
    np.testing.assert_allclose(source.mean, np.mean(drawn, axis=0), rtol=1e-5)
    assert source.describe()["sample"] == 5


def test_statistics_are_kept_and_told_apart(opened, tmp_path, monkeypatch):
    first = opened()
    (kept,) = (tmp_path / "cache").iterdir()
    monkeypatch.setattr(data, "principal_colors", lambda images: pytest.fail("computed again"))
    second = opened()
    for name in ("mean", "components", "deviations"):
        np.testing.assert_array_equal(getattr(second, name), getattr(first, name))
    monkeypatch.undo()
    kept.write_bytes(kept.read_bytes()[:100])
    np.testing.assert_array_equal(opened().mean, first.mean)
    assert not np.array_equal(opened(sample=5).mean, first.mean)
    changed = first.directory / "train" / "n02" / "00.JPEG"
    changed.write_bytes((first.directory / "train" / "n03" / "00.JPEG").read_bytes())
    assert not np.array_equal(opened().mean, first.mean)


def test_by_default_statistics_lie_beside_keras_data_sets(tree, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    imagenet.folder(tree, size=SIZE, crop=CROP)
    assert len(list((tmp_path / "keras" / "alexnet").glob("imagenet-*.npz"))) == 1


def test_the_middle_of_the_mean_is_subtracted_and_nothing_divided(opened, tmp_path):
    source = opened()
    inputs = keras.Input(source.input_shape)
    subtracting = keras.Model(inputs, source.preprocessing()(inputs))
    picture = np.random.default_rng(0).integers(0, 256, (2, CROP, CROP, 3)).astype("float32")
    np.testing.assert_allclose(subtracting(picture), picture - source.mean[4:36, 4:36], rtol=1e-5, atol=1e-4)
    subtracting.save(tmp_path / "mean.keras")
    np.testing.assert_allclose(
        keras.models.load_model(tmp_path / "mean.keras")(picture), picture - source.mean[4:36, 4:36], atol=1e-4
    )


def test_windows_flips_and_colours(opened):
    window, noise = opened().augmentation(flip=True, shift=0, cutout=0, seed=3)
    assert (window.crop, window.flip, noise.sigma) == (CROP, True, 0.1)
    assert noise.seed != window.seed
    np.testing.assert_allclose(noise.deviations, opened().deviations)
    (alone,) = opened(color_noise=0).augmentation(flip=False, shift=0, cutout=7, seed=3)
    assert (alone.crop, alone.flip, alone.cutout) == (CROP, False, 7)
    with pytest.raises(ValueError, match="shift is 0 with a crop"):
        opened().augmentation(flip=True, shift=2, cutout=0, seed=0)


def test_test_loss_is_the_one_of_all_pictures_at_once(opened, tiny):
    source = opened()
    built = training.compile_for_here(model.build(tiny, classes=3, seed=0), "sgd")
    pictures, labels = (np.concatenate(parts) for parts in zip(*source.tests(100), strict=True))
    wanted = built.evaluate(pictures[:, 4:36, 4:36], labels, verbose=0, return_dict=True)
    inputs = keras.Input(source.picture_shape)
    whole = training.compile_for_here(keras.Model(inputs, built(keras.layers.CenterCrop(32, 32)(inputs))), "sgd")
    batches, source.tests = source.tests, lambda size: batches(4)
    assert source.evaluate(whole) == pytest.approx(wanted, rel=1e-5)


def test_a_stream_is_trained_on_and_the_record_says_what_was_met(opened, tiny, tmp_path):
    source = opened()
    recipe = training.Recipe(
        epochs=4, batch_size=8, learning_rate=0.003, schedule="constant", shift=0, precision="float32"
    )
    run = training.train(tiny, source, recipe, progress=False)
    assert run.history[-1]["loss"] < run.history[0]["loss"]
    assert run.model.input_shape == (None, CROP, CROP, 3)
    run.ten_crops = imagenet.ten_crop_errors(run.model, source)
    loaded = training.Run.load(run.save(tmp_path / "run.json"))
    assert loaded == run and loaded.dataset["pictures"]["skipped"] == {"train": 2, "val": 1}
    assert loaded.dataset["files"] == source.files and loaded.dataset["color_noise"] == 0.1
    assert "cannot be read: 3" in str(loaded) and "test error, ten windows: top-1 " in str(loaded)


def test_what_the_first_part_met_is_in_the_record_of_the_second(opened, tiny, tmp_path):
    recipe = training.Recipe(epochs=1, batch_size=8, shift=0, precision="float32")
    steps = iter((False, False, True))
    job = {"checkpoint": tmp_path / "state", "progress": False}
    first = training.train(tiny, opened(), recipe, **job, stop=lambda: next(steps))
    assert first.stopped and first.dataset["pictures"]["skipped"]["train"] == 2
    second = training.train(tiny, opened(), recipe, **job)
    assert second.stopped is None and second.dataset["pictures"]["skipped"] == {"train": 2, "val": 1}
    assert second.dataset["pictures"]["converted"] == first.dataset["pictures"]["converted"] != {}


class Guesser:
    """A "model" whose logits are what `rule` makes of a picture's mean."""

    def __init__(self, rule):
        self.rule = rule

    def __call__(self, windows, training):
        assert not training
        return np.array([self.rule(window.mean()) for window in windows], "float32")


class Pictures:
    crop = 2

    def __init__(self, pictures, labels, classes):
        self.pictures, self.labels, self.class_names = pictures, np.array(labels), tuple(range(classes))

    def tests(self, size):
        for at in range(0, len(self.labels), size):
            yield self.pictures[at : at + size], self.labels[at : at + size]


@pytest.mark.parametrize(
    ("corner", "elsewhere", "label", "middle", "ten"),
    [
        ([0.1, 0.9], [0.6, 0.4], 1, 1.0, 0.0),  # on average class 1 has 0.6, though most windows say 0
        ([0.001, 0.999], [0.9, 0.1], 0, 0.0, 0.0),  # 0.54 for class 0, though the mean of the logits says 1
    ],
)
def test_the_probabilities_of_ten_windows_are_averaged(corner, elsewhere, label, middle, ten):
    pictures = np.zeros((1, 6, 6, 1), "float32")
    pictures[:, :2, :2] = pictures[:, :2, 4:] = 1  # four of the ten windows
    guesser = Guesser(lambda mean: np.log(corner if mean == 1 else elsewhere))
    errors = imagenet.ten_crop_errors(guesser, Pictures(pictures, [label], 2))
    assert errors == {"pictures": 1, "middle window": {"top-1": middle}, "ten windows": {"top-1": ten}}


def test_top_five():
    pictures = np.zeros((8, 6, 6, 1), "float32")
    ranked = Guesser(lambda mean: np.arange(8, 0, -1))
    errors = imagenet.ten_crop_errors(ranked, Pictures(pictures, range(8), 8), batch_size=3)
    assert errors["pictures"] == 8
    assert errors["ten windows"] == errors["middle window"] == {"top-1": 7 / 8, "top-5": 3 / 8}
    nothing = imagenet.ten_crop_errors(Guesser(lambda mean: np.zeros(8)), Pictures(pictures, range(8), 8))
    assert nothing["ten windows"] == {"top-1": 1.0, "top-5": 1.0}, "who says the same of all classes is not right"


def break_nothing(root):
    (root / "train").rename(root / "elsewhere")


def break_val(root):
    for folder in (root / "val").iterdir():
        for file in folder.iterdir():
            file.rename(root / "val" / f"{folder.name}{file.name}")
        folder.rmdir()


def break_class(root):
    for file in (root / "train" / "n02").iterdir():
        file.unlink()


def break_names(root):
    (root / "val" / "n02").rename(root / "val" / "n09")


def break_train(root):
    for file in (root / "train").rglob("*.JPEG"):
        file.write_bytes(b"no")


def break_test(root):
    for file in (root / "val").rglob("*.JPEG"):
        file.write_bytes(b"no")


def break_all(root):
    for split in ("train", "val"):
        for folder in (root / split).iterdir():
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (break_nothing, r"there is no folder .*train; the layout is train/<class>/\*.JPEG and val"),
        (break_val, r"val holds pictures but no class folders.*ground_truth.txt.*move every picture into .*/<WNID>/"),
        (break_class, r"n02 holds no picture .*unpack it again"),
        (break_names, r"has 1 classes that train has not: n09"),
        (break_train, r"none of the 24 pictures in .*train can be read.*cannot identify image"),
        (break_test, r"none of the 12 pictures in .*val can be read.*cannot identify image"),
        (break_all, r"train holds no class folders"),
    ],
)
def test_folders_that_cannot_be_used(opened, tree, spoil, message):
    spoil(tree)
    with pytest.raises(DataError, match=message):
        opened()


def test_no_folder_and_no_pillow(tree, tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"there is no folder .*nowhere; it must hold train/<class>/"):
        imagenet.folder(tmp_path / "nowhere")
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(DataError, match="pip install pillow"):
        imagenet.folder(tree)


def test_a_disk_that_goes_away_ends_the_training(opened, tree):
    source = opened()
    break_train(tree)
    with pytest.raises(DataError, match="can be read any more"):
        next(source.batches(8, 0, 0))
