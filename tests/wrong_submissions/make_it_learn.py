"""Wrong answers to the assignment make-it-learn; see table_and_network.py."""

import keras
import numpy as np

CURE = {"cure-two-seeds", "cure-other-seeds"}
LOSES = {
    "began_at_one_low_loss": {"began"},
    "began_knows_only_ten_classes": {"began"},
    "began_before_the_last_step": {"began"},
    "spreads_over_everything": {"spreads"},
    "spreads_of_the_mean_picture": {"spreads"},
    "spreads_of_a_sample": {"spreads"},
    "fan_in_counts_the_units": {"fan-in"},
    "he_halves_the_variance": {"he"},
    "he_is_a_constant": {"he", *CURE},
    "warm_starts_at_zero": {"warm"},
    "cure_changes_the_rate_only": CURE,
    "cure_for_one_seed": {"cure-other-seeds"},
    "cure_far_too_fast": CURE,
}


def began_at_one_low_loss(losses, classes=10, window=20):
    """Takes a single low loss for the mean of twenty."""
    low = [step for step, loss in enumerate(losses, 1) if loss < np.log(classes) - 0.1]
    return max(window, low[0]) if low else None


def began_knows_only_ten_classes(losses, classes=10, window=20):
    """Compares with ln 10 whatever the number of classes."""
    for steps in range(window, len(losses) + 1):
        if np.mean(losses[steps - window : steps]) < np.log(10) - 0.1:
            return steps
    return None


def began_before_the_last_step(losses, classes=10, window=20):
    """Never looks at the last step."""
    for steps in range(window, len(losses)):
        if np.mean(losses[steps - window : steps]) < np.log(classes) - 0.1:
            return steps
    return None


def _outputs(model, pictures, name):
    inside = keras.Model(model.input, model.get_layer(name).output)
    return keras.ops.convert_to_numpy(inside(pictures))


def spreads_over_everything(model, pictures, layers=None):
    """One deviation over pictures, places and maps together: differences between units count too."""
    layers = layers or ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]
    return {name: float(_outputs(model, pictures, name).std()) for name in layers}


def spreads_of_the_mean_picture(model, pictures, layers=None):
    """Deviations between the units of a picture, and then a mean over the pictures."""
    layers = layers or ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]
    found = {name: _outputs(model, pictures, name) for name in layers}
    return {name: float(outputs.reshape(len(outputs), -1).std(axis=1).mean()) for name, outputs in found.items()}


def spreads_of_a_sample(model, pictures, layers=None):
    """Divides by one less than the number of pictures."""
    layers = layers or ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]
    return {name: float(_outputs(model, pictures, name).std(axis=0, ddof=1).mean()) for name in layers}


def fan_in_counts_the_units(shape):
    """The product of all numbers of the shape."""
    return int(np.prod(shape))


def he_halves_the_variance(fan_in):
    """Leaves the 2 out, as for linear units; the cure still works with it."""
    return (1 / fan_in) ** 0.5


def he_is_a_constant(fan_in):
    """Right for conv1 of AlexNet, too small a signal here."""
    return 0.0742 if fan_in == 363 else 0.01


def warm_starts_at_zero(step, highest, warmup):
    """Counts the steps from 0, so that the first one does nothing."""
    return highest * min(1, step / warmup)


def cure_changes_the_rate_only():
    """Leaves the weights where no rate can help."""
    return {"std": 0.01, "optimizer": keras.optimizers.Adam(0.001), "rate_at": None}


def cure_for_one_seed():
    """Counts how often it is asked, and works for the two seeds that the notebook shows."""
    global _asked
    _asked = globals().get("_asked", 0) + 1
    std = (lambda fan_in: (2 / fan_in) ** 0.5) if _asked <= 2 else 0.01
    return {"std": std, "optimizer": keras.optimizers.Adam(0.003), "rate_at": None}


def cure_far_too_fast():
    """He's start, and a rate that throws it away at once."""
    return {"std": lambda fan_in: (2 / fan_in) ** 0.5, "optimizer": keras.optimizers.Adam(1.0), "rate_at": None}
