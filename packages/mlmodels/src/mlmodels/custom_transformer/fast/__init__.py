"""The fast path: the same mathematics as `ops/`, with every tensor in a buffer made once and the work between the
products fused.

    path.py       forward and backward of the whole model, head and loss in chunks of rows
    block.py      forward and backward of one block: what is kept, what is made again
    workspace.py  the buffers
    flat.py       parameters and gradients in two vectors
    kernels.py    what a device must offer; native_kernels.py (CPU), triton_kernels.py (CUDA), torch_kernels.py (plain)
    cuda_graph.py a whole step recorded once and launched as one (CUDA)

`ops/` stays the readable truth; `gradient_checks` holds both to the same goals.
"""
