"""`python -m nbgroupchat`."""

import sys

from nbgroupchat.cli import main

sys.exit(main())
