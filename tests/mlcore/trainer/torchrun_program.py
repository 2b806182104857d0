"""What test_distributed_training starts under torchrun: trains, and writes its result to the folder given."""

import json
import os
import sys
from pathlib import Path

for folder in (Path(__file__).parents[2], Path(__file__).parent):
    sys.path.insert(0, str(folder))

from mlcore.trainer.distributed import disconnect
from test_distributed_training import train_language_model

if __name__ == "__main__":
    rank = int(os.environ["RANK"])
    result = train_language_model("autograd", rank, int(os.environ["WORLD_SIZE"]), 1)
    (Path(sys.argv[1]) / f"result{rank}.json").write_text(json.dumps(result))
    disconnect()
