"""What Keras lacks: the update rule of 2012 with its decay inside, and Muon for convolutions."""

import math

import keras
from keras import ops

_register = keras.saving.register_keras_serializable(package="alexnet")


@_register
class SGD2012(keras.optimizers.SGD):
    """Gradient descent with momentum, and the weight decay inside the momentum (the paper, section 5).

    With the gradient g of the loss, for each kernel w (biases and scales do not decay):

        v <- momentum * v - learning_rate * (g + decay * w)
        w <- w + v                                              (nesterov: one more step of v from where it leads)

    It is plain momentum on a loss with the penalty decay / 2 * sum(w ** 2). Keras's own `weight_decay` shrinks w
    outside the momentum instead, and a penalty in the model, which also would do, costs more passes over the weights.

    learning_rate, momentum, nesterov: as in `keras.optimizers.SGD`. decay: per unit of learning rate, 0 or more.
    On TensorFlow the update is one kernel; elsewhere it is Keras's own.
    """

    def __init__(self, learning_rate=0.01, momentum=0.9, nesterov=False, decay=0.0, **kwargs):
        super().__init__(learning_rate=learning_rate, momentum=momentum, nesterov=nesterov, **kwargs)
        if decay < 0:
            raise ValueError(f"decay is 0 or more; got {decay}")
        self.decay = decay

    def update_step(self, gradient, variable, learning_rate):
        """One step of one variable; see the class."""
        gradient = ops.cast(gradient, variable.dtype)
        if self.decay and len(variable.shape) > 1:
            gradient = gradient + ops.cast(self.decay, variable.dtype) * variable
        if keras.backend.backend() != "tensorflow" or not self.momentum:
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf

        tf.raw_ops.ResourceApplyKerasMomentum(
            var=variable.handle,
            accum=self.momentums[self._get_variable_index(variable)].value.handle,
            lr=tf.cast(learning_rate, variable.dtype),
            grad=gradient,
            momentum=tf.cast(self.momentum, variable.dtype),
            use_nesterov=self.nesterov,
        )

    def get_config(self):
        """As Keras's, with `decay`."""
        return super().get_config() | {"decay": self.decay}


@_register
class Muon(SGD2012):
    """Momentum whose direction is made orthogonal: every direction in weight space moves by the same amount.

    For a kernel of (height, width, inputs, outputs), seen as a matrix of height * width * inputs rows, the momentum
    M = U S V^T is replaced by about U V^T, found with five steps of Newton and Schulz's iteration (Jordan, 2024:
    kellerjordan.github.io/posts/muon, which also gives the three coefficients). Every kernel keeps the norm it started
    with, so the learning rate is a share of it: made for convolutions with a normalisation behind them, which does not
    see their scale.

    Vectors and matrices (the last layer) learn as in SGD2012, at `vector_rate` times the learning rate. Keras's own
    Muon leaves convolutions to AdamW. learning_rate, momentum, nesterov, decay: as in SGD2012.
    """

    COEFFICIENTS = (3.4445, -4.7750, 2.0315)

    def __init__(self, learning_rate=0.05, momentum=0.9, nesterov=True, decay=0.0, vector_rate=0.5, **kwargs):
        super().__init__(learning_rate, momentum, nesterov, decay, **kwargs)
        self.vector_rate = vector_rate

    def update_step(self, gradient, variable, learning_rate):
        """One step of one variable; see the class."""
        if len(variable.shape) < 4:
            super().update_step(gradient, variable, learning_rate * self.vector_rate)
            return
        dtype = variable.dtype
        rate, gradient = ops.cast(learning_rate, dtype), ops.cast(gradient, dtype)
        velocity = self.momentums[self._get_variable_index(variable)]
        self.assign(velocity, velocity * self.momentum + gradient)
        direction = gradient + velocity * self.momentum if self.nesterov else velocity
        outputs = variable.shape[-1]
        rows = math.prod(variable.shape[:-1])
        matrix = self.orthogonalised(ops.reshape(direction, (rows, outputs)))
        norm = ops.norm(ops.reshape(variable, (-1,)))
        # An orthogonal matrix of this shape has this norm; the step is `rate` of the kernel's own.
        step = ops.reshape(matrix, variable.shape) * (norm / min(rows, outputs) ** 0.5)
        moved = variable - rate * step
        self.assign(variable, moved * (norm / ops.norm(ops.reshape(moved, (-1,)))))

    @classmethod
    def orthogonalised(cls, matrix, steps=5):
        """About U V^T of a matrix U S V^T; its singular values come out between 0.7 and 1.2."""
        a, b, c = cls.COEFFICIENTS
        tall = matrix.shape[0] > matrix.shape[1]
        x = ops.transpose(matrix) if tall else matrix
        x = x / (ops.norm(x) + 1e-7)
        for _ in range(steps):
            gram = ops.matmul(x, ops.transpose(x))
            x = a * x + ops.matmul(b * gram + c * ops.matmul(gram, gram), x)
        return ops.transpose(x) if tall else x

    def get_config(self):
        """As SGD2012's, with `vector_rate`."""
        return super().get_config() | {"vector_rate": self.vector_rate}
