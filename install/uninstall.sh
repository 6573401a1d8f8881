#!/bin/sh
# uninstall.sh VERB CONFIG DATA ...: take the agent and its app off this user's account. Needs no root; each verb may be cut off
# and run again.
#   look CONFIG DATA LINK            what is there, as NAME=value lines
#   units CONFIG DATA                stop the agent and every release, and forget their units. Prints "ok" or "changed"
#   files CONFIG DATA LINK KEEP      remove the files; with KEEP (yes or empty) all of DATA but the agent itself stays
set -eu
verb=$1 config=$2 data=$3
units=${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"
runtime=$XDG_RUNTIME_DIR/gitops-vm
fact() { printf '%s=%s\n' "$1" "$2"; }
user_manager() { timeout -k 1 120 systemctl --user --no-ask-password --quiet "$@"; }

ours() { # ours NAME...: of the link LINK and the files, those that are there
  for each in "$@"; do
    if [ -e "$each" ] || [ -L "$each" ]; then echo "$each"; fi
  done
}

unit_files() { ours "$units"/gitops-agent.service* "$units"/gitops-app.socket* "$units"/gitops-app-boot.service* "$units"/gitops-app-wake.service* "$units"/gitops-app@* "$units"/*.wants/gitops-a*; }

# In CONFIG, with what a write that was cut off has left beside them. Who looks after other VMs from here has more in it.
settings() {
  for name in source.yaml known_hosts deploy_key status_key credentials status_credentials env lingering; do
    name=$config/$name
    ours "$name" "$name".pub "$name".new "$name".new.pub "$name".?????? "$config/.${name##*/}".????????
  done
}

theirs() { find "$config" -mindepth 1 -maxdepth 1 2>/dev/null | grep -vxF "$(settings)" | sed 's,.*/,,' | sort | tr '\n' ' '; }

running() { user_manager --no-legend --plain list-units 'gitops-agent.service' 'gitops-app*' 2>/dev/null | cut -d' ' -f1; }

look() { # look LINK
  [ -z "$(unit_files)" ] || fact units "$(unit_files | wc -l)"
  [ -z "$(settings)" ] || fact config "$config"
  [ -z "$(theirs)" ] || fact theirs "$(theirs)"
  [ ! -e "$data/agent" ] || fact agent "$data/agent"
  [ ! -e "$data" ] || fact data "$(du -sh "$data" | cut -f1)"
  [ "$(readlink "$1")" != "$data/agent/current/bin/gitops-vm" ] || fact link "$1"
  [ ! -e "$config/lingering" ] || fact lingering ours
  for key in url host; do
    [ ! -s "$config/source.yaml" ] || fact "$key" "$(sed -n "s/^$key: *['\"]\{0,1\}\([^'\"]*\).*/\1/p" "$config/source.yaml")"
  done
  # Where the evidence has a repository of its own: below status, on a line of its own or in braces.
  own=$(sed -n "/^status:/,/^[^ s]/s/.*[ {]url: *['\"]\{0,1\}\([^'\",}]*\).*/\1/p" "$config/source.yaml" 2>/dev/null | head -n 1)
  [ -z "$own" ] || fact status_url "$own"
  [ ! -s "$config/deploy_key" ] || fact public "$(ssh-keygen -y -P '' -f "$config/deploy_key" 2>/dev/null)"
  [ ! -s "$config/status_key" ] || fact status_public "$(ssh-keygen -y -P '' -f "$config/status_key" 2>/dev/null)"
  [ ! -e /var/lib/gitops-vm ] || fact state /var/lib/gitops-vm
  for name in /etc/ssh/sshd_config.d/00-gitops-vm*.conf; do
    [ ! -e "$name" ] || fact "drop-in ${name##*/}" yes
  done
}

units() {
  state=ok
  if [ -n "$(running)" ]; then
    # The agent first, which would heal the app; then the socket, whose visitors would start it.
    for unit in gitops-agent.service gitops-app.socket gitops-app-boot.service gitops-app-wake.service $(running | grep '^gitops-app@' || true); do
      user_manager stop "$unit" 2>/dev/null || true
    done
    left=$(user_manager --no-legend --plain --state=active,activating,deactivating list-units 'gitops-a*' | cut -d' ' -f1)
    [ -z "$left" ] || { echo "these do not stop: $left" | tr '\n' ' ' >&2; exit 1; }
    state=changed
  fi
  if [ -n "$(unit_files)" ]; then
    unit_files | while read -r file; do rm -rf "$file"; done
    state=changed
  fi
  if [ "$state" = changed ]; then
    user_manager daemon-reload 2>/dev/null || true
    user_manager reset-failed 'gitops-a*' 2>/dev/null || true
  fi
  rmdir -p "$units/default.target.wants" 2>/dev/null || rmdir -p "$units" 2>/dev/null || true
  echo "$state"
}

files() { # files LINK KEEP
  state=ok
  if [ "$(readlink "$1")" = "$data/agent/current/bin/gitops-vm" ]; then rm -f "$1"; state=changed; fi
  what=$data
  [ -z "$2" ] || what=$data/agent
  if [ -n "$(settings)" ]; then
    chmod u+rwx "$config"
    settings | while read -r file; do rm -rf "$file"; done
    state=changed
  fi
  rmdir "$config" 2>/dev/null || true
  for each in "$what" "$runtime"; do
    [ -e "$each" ] || continue
    # A directory without write permission would keep what is in it.
    find "$each" -type d ! -perm -u+rwx -exec chmod u+rwx {} +
    rm -rf "$each"
    state=changed
  done
  for each in "$config" "$data" "$1"; do rmdir -p "$(dirname "$each")" 2>/dev/null || true; done
  echo "$state"
}

shift 3
case $verb in
  look | units | files) "$verb" "$@" ;;
  *) echo "no verb $verb" >&2; exit 64 ;;
esac
