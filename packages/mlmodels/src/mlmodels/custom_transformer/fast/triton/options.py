"""What every kernel is compiled with."""

# a · b + c in one instruction. Said because Triton 3.10 turns its own default around: the bits stay what they were.
OPTIONS = {"enable_fp_fusion": True}
