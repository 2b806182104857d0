"""``python -m mlcore.doctor``."""

import sys

from mlcore.doctor.examination import main

if __name__ == "__main__":
    sys.exit(main())
