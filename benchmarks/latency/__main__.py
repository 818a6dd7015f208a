"""`python -m benchmarks.latency`: the table alone."""

import sys

from benchmarks.latency.table import main

sys.exit(main())
