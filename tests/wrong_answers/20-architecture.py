"""Wrong answers to the coded exercise of chapters/20-architecture.ipynb, for its self-check to turn down."""


def parameters_without_biases(k, maps_in, maps_out, groups):
    """Forgets the biases."""
    return k * k * (maps_in // groups) * maps_out


def parameters_without_groups(k, maps_in, maps_out, groups):
    """Lets every filter see all maps, as if there were no groups."""
    return k * k * maps_in * maps_out + maps_out


def parameters_of_one_group(k, maps_in, maps_out, groups):
    """Divides the filters by the groups as well, and so counts the weights of one group only."""
    return k * k * (maps_in // groups) * (maps_out // groups) + maps_out


def parameters_biases_divided(k, maps_in, maps_out, groups):
    """Divides the whole sum by the groups, its biases too."""
    return (k * k * maps_in * maps_out + maps_out) // groups


def parameters_bias_of_every_input(k, maps_in, maps_out, groups):
    """Gives each filter a bias for every map it sees."""
    return (k * k + 1) * (maps_in // groups) * maps_out


def parameters_of_a_line(k, maps_in, maps_out, groups):
    """Takes the window for a row of k weights."""
    return k * (maps_in // groups) * maps_out + maps_out
