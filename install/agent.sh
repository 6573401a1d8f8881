#!/bin/sh
# agent.sh DATA NAME PYTHON LINK <tar: install the release NAME of the agent in an environment of its own, make it the
# current one and point LINK (if not empty) at its program. Prints "ok" or "changed". Needs no root.
set -eu
umask 022
data=$1 name=$2 python=$3 link=$4
releases=$data/agent/releases
release=$releases/$name
mkdir -p "$releases"
# All of it first: who vanishes while it sends must not hold the lock. Without a name it is gone with us, however we end.
spool=$(mktemp "$data/agent/sent.XXXXXX")
exec 3>"$spool"
exec 4<"$spool"
rm -f "$spool"
cat >&3
exec 3>&-
# Two of us at once: the second finds the work done.
exec 9>"$data/agent/lock"
flock -w 600 9 || { echo "another run has been installing the agent here for ten minutes; when it has ended, run this again" >&2; exit 75; }

pip() { "$release/bin/python" -m pip --quiet --disable-pip-version-check --no-input "$@"; }

build() {
  rm -rf "$release"
  "$python" -m venv "$release"
  work=$release/build
  mkdir "$work"
  tar -xzf - -C "$work" <&4
  # Every package by its hash, the ones that build packages too: nothing unpinned runs here. The backend stays outside
  # the environment, and wheels are made first, so that nothing of it is taken for installed.
  pip install --require-hashes --only-binary :all: --target "$work/backend" -r "$work/requirements/build.txt"
  export PYTHONPATH="$work/backend"
  wheels() { pip wheel --no-deps --use-pep517 --no-build-isolation --wheel-dir "$work/wheels" "$@"; }
  wheels --require-hashes -r "$work/requirements/agent.txt"
  wheels --no-index "$work"
  unset PYTHONPATH
  pip install --no-index --no-deps "$work"/wheels/*.whl
  "$release/bin/python" -P -c 'import agent.daemon, agent.host.vm'
  "$release/bin/gitops-vm" version >/dev/null
  rm -rf "$work"
  # The marker is written last: after a power cut it is there only if everything else is.
  sync -f "$release"
  : >"$release/complete"
  sync "$release/complete" "$release"
}

point() { # point LINK TARGET: in one step, so that the name is never missing
  [ "$(readlink "$1" || true)" = "$2" ] && return
  mkdir -p "$(dirname "$1")"
  ln -sfn "$2" "$1.new"
  mv -fT "$1.new" "$1"
  sync "$(dirname "$1")"
  changed=yes
}

changed=
if [ ! -e "$release/complete" ]; then
  build
  changed=yes
fi
previous=$(basename "$(readlink "$data/agent/current" || echo "$name")")
point "$data/agent/current" "releases/$name"
[ -z "$link" ] || point "$link" "$data/agent/current/bin/gitops-vm"
# A worker of the previous agent may still be running from its files.
for old in "$releases"/*; do
  case ${old##*/} in "$name" | "$previous") ;; *) rm -rf "$old" ;; esac
done
if [ -n "$changed" ]; then echo changed; else echo ok; fi
