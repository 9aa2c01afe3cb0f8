"""Wrong answers to the coded exercise of chapters/42-two-gpus.ipynb, for its self-check to turn down."""

import math


def traffic_one_way(shape, towers, batch):
    """Counts the way forward only: the gradients have to travel home."""
    return 4 * batch * (towers - 1) * math.prod(shape)


def traffic_own_share_too(shape, towers, batch):
    """Has every tower fetch all maps, those that it already holds included."""
    return 2 * 4 * batch * towers * math.prod(shape)


def traffic_of_one_tower(shape, towers, batch):
    """Counts what one tower receives, not what all links carry."""
    return 2 * 4 * batch * (towers - 1) * math.prod(shape) // towers


def traffic_numbers_for_bytes(shape, towers, batch):
    """Counts numbers and not bytes."""
    return 2 * batch * (towers - 1) * math.prod(shape)


def traffic_two_towers(shape, towers, batch):
    """Right for two towers, whatever their number."""
    return 2 * 4 * batch * math.prod(shape)


def traffic_one_picture(shape, towers, batch):
    """Forgets the batch."""
    return 2 * 4 * (towers - 1) * math.prod(shape)


def traffic_pairs(shape, towers, batch):
    """Has each pair of towers exchange all maps."""
    return 2 * 4 * batch * towers * (towers - 1) // 2 * math.prod(shape)


def traffic_maps_only(shape, towers, batch):
    """Counts the maps and forgets how large they are."""
    return 2 * 4 * batch * (towers - 1) * shape[-1]
