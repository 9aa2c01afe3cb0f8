"""Answers that a reader might give to the coded exercise of the chapter, all of them wrong."""


def receptive_fields_without_strides(sizes, strides):
    """As if every stride were 1."""
    field, fields = 1, []
    for size in sizes:
        field += size - 1
        fields.append(field)
    return fields


def receptive_fields_jump_too_early(sizes, strides):
    """Counts a layer's own stride for its own kernel."""
    field, jump, fields = 1, 1, []
    for size, stride in zip(sizes, strides, strict=True):
        jump *= stride
        field += (size - 1) * jump
        fields.append(field)
    return fields


def receptive_fields_of_whole_kernels(sizes, strides):
    """Adds the whole kernel instead of what it adds to one unit."""
    field, jump, fields = 1, 1, []
    for size, stride in zip(sizes, strides, strict=True):
        field += size * jump
        jump *= stride
        fields.append(field)
    return fields


def receptive_fields_only_the_last(sizes, strides):
    """Right, but for the last layer only."""
    field, jump = 1, 1
    for size, stride in zip(sizes, strides, strict=True):
        field += (size - 1) * jump
        jump *= stride
    return [field]


def receptive_fields_multiplied(sizes, strides):
    """Multiplies the kernels, as one would for areas."""
    fields, field = [], 1
    for size in sizes:
        field *= size
        fields.append(field)
    return fields
