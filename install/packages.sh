#!/bin/sh
# packages.sh PACKAGE...: install them with apt. Runs as root.
set -eu

# A fresh cloud VM installs its own updates right after boot and holds the lock meanwhile.
apt() { env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@"; }

apt update >/dev/null
apt install -y --no-install-recommends "$@" >/dev/null
