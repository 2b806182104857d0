"""The operations of the transformer, one a file, each with its gradient written by hand.

Every file holds three names, in this order:

    Cache                               what `backward` needs from `forward`
    forward(inputs…)  -> (y, cache)     the operation
    backward(dy, cache) -> gradients    of the loss, in the order of `forward`'s floating-point tensor inputs

They are pure: no state, no autograd, no change to an argument. `dy` is the gradient of the loss with respect
to `y`, and may come in any floating dtype. Each line of `backward` ends with the line of `forward` that it
differentiates.
The suffix of a tensor's name spells its shape; the legend stands at the top of each file.
"""
