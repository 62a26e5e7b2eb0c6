#!/bin/sh
# Debian's Chromium and its driver, for the tests that open pages in a browser. It never fails: without them
# those tests skip.
command -v chromium >/dev/null && command -v chromedriver >/dev/null && exit 0
command -v apt-get >/dev/null || exit 0
as_root=
if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2>/dev/null || exit 0
  as_root="sudo -n"
fi
export DEBIAN_FRONTEND=noninteractive
{ $as_root apt-get update --quiet=2
  $as_root apt-get install --yes --quiet=2 --no-install-recommends chromium chromium-driver
} >/dev/null 2>&1 || echo "Chromium could not be installed: tests that need a browser skip" >&2
exit 0
