"""What to do about the troubles that training is known for: the original document's table, in the terms of our configs.

Every error or warning about one of them ends with its advice. Where the tool can look for the cure itself, the advice
names the command.
"""

NO_GRADIENTS = (
    "does the loss depend on the model, does compute_gradients fill .grad, are the parameters frozen? "
    "Keep LayerNorm's default settings (elementwise_affine on)"
)
NOT_FINITE = (
    "try training.learning_rate 0.001 to 0.01, or a tenth of yours (find_learning_rate shows how far it may go), "
    "and training.max_grad_norm 0.5 to 2.0"
)
OUT_OF_MEMORY = (
    "try half of training.batch_size with twice training.accumulation_steps, which gives the same updates, "
    "or shorter sequences (optimize_settings finds what fits)"
)
HANG = (
    "the data set or the model may be too large for this machine: begin with configs/quickstart.yaml or smoke.yaml; "
    "if no CPU time is used at all, try data.num_workers=0 or OMP_NUM_THREADS=1"
)
POOR_GENERATION = (
    "train longer, or make the task easier: shorter sequences, a smaller vocabulary, simpler text; "
    "sample with evaluation.temperature 0.7 to 0.9 and a repetition penalty"
)
