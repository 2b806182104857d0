"""Ten drawn shapes in colour, 32 x 32: a data set that is drawn by seed and needs no file."""
