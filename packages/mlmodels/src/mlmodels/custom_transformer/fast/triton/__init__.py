"""Triton kernels of the fast path, one file each; `triton_kernels.py` is what calls them.

In each file: the kernel, whose arguments are pointers, sizes and, in capitals, what it is compiled for; then the
function that launches it on tensors. None uses an atomic operation, and what a program sums depends on the tensor's
shape alone: the same bits every time.

Imports Triton, which comes with torch on Linux: import these files only where it is.
"""
