#!/bin/sh
# Makes sure that there is a Chromium for the browser tests: the one of the system, installed from its packages if it may be.
set -eu

if command -v chromium >/dev/null 2>&1 || [ -n "${CHROMIUM:-}" ]; then
    exit 0
fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
    exit 0
fi
echo "The browser tests need Chromium, and found none on the PATH. Install it (Debian: apt-get install chromium)," >&2
echo "or set CHROMIUM to the path of a Chromium or Chrome." >&2
exit 1
