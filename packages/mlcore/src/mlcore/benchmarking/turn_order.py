"""Who is measured after whom."""


def turn_order(num_variants: int, number: int) -> list[int]:
    """The order of round `number`: over the rounds every variant follows every other one equally often.

    A balanced Latin square (Williams, 1949): 0, 1, n-1, 2, n-2, … plus the number of the round, modulo n. For odd n,
    whose single squares cannot be balanced, every second series of n rounds runs backwards.
    """
    zigzag = [(position + 1) // 2 if position % 2 else -(position // 2) for position in range(num_variants)]
    order = [(place + number) % num_variants for place in zigzag]
    is_backward = num_variants % 2 == 1 and (number // num_variants) % 2 == 1
    return order[::-1] if is_backward else order
