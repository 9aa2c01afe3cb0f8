"""The script that many tutorials copy from one another, written here from its description.

An "AlexNet" for CIFAR-10 with 3x3 kernels, pixels divided by 255 (which makes them float64), one-hot labels, a softmax
in the model, Adam at 0.001, batches of 32, `fit`. It is what the book's own training is measured against.

    python benchmarks/copied_script.py
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
from keras.layers import Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D

BATCH_SIZE, EPOCHS = 32, 10


def prepare(pictures, labels):
    """Pixels from 0 to 1 and one-hot labels, both float64."""
    return pictures / 255.0, keras.utils.to_categorical(labels, 10)


def network():
    """The compiled model."""
    model = keras.Sequential(
        [
            Input((32, 32, 3)),
            Conv2D(96, 3, activation="relu"),
            MaxPooling2D(2),
            Conv2D(256, 3, activation="relu", padding="same"),
            MaxPooling2D(2),
            Conv2D(384, 3, activation="relu", padding="same"),
            Conv2D(384, 3, activation="relu", padding="same"),
            Conv2D(256, 3, activation="relu", padding="same"),
            MaxPooling2D(2),
            Flatten(),
            Dense(4096, activation="relu"),
            Dropout(0.5),
            Dense(4096, activation="relu"),
            Dropout(0.5),
            Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(0.001),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def main():
    from alexnet import data

    cifar = data.cifar10()
    keras.utils.set_random_seed(0)
    model = network()
    x, y = prepare(cifar.x_train, cifar.y_train)
    model.fit(x, y, batch_size=BATCH_SIZE, epochs=EPOCHS, validation_data=prepare(cifar.x_test, cifar.y_test))


if __name__ == "__main__":
    main()
