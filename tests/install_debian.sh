#!/bin/sh
# Debian packages for tests: Chromium and its driver, for those that open pages in a browser, and Slurm, for those of
# the workflow on a cluster. It never fails: without them those tests skip. No daemon is started.
export PATH="$PATH:/usr/sbin:/sbin"
packages=
command -v chromium >/dev/null && command -v chromedriver >/dev/null || packages="chromium chromium-driver"
command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null ||
  packages="$packages slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge"
[ -n "$packages" ] || exit 0
command -v apt-get >/dev/null || exit 0
as_root=
if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2>/dev/null || exit 0
  as_root="sudo -n"
fi
policy=/usr/sbin/policy-rc.d
made_policy=
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null && $as_root chmod +x $policy && made_policy=yes
fi
{ $as_root apt-get update --quiet=2
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends $packages
} >/dev/null 2>&1 || echo "not installed, so some tests skip: $packages" >&2
[ -z "$made_policy" ] || $as_root rm -f $policy
exit 0
