#!/bin/bash
# root.sh: make the Debian 13 root in the user's cache unless it is there, and print its path.
# The root is keyed by the package list, so a changed list makes a new one; old ones can be deleted at will.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${STREAMML_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/streamml}
suite=trixie

say() { printf 'dev: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
packages() { sed 's/#.*//' "$here/packages.txt" | tr -s ' \n' '\n' | sed '/^$/d' | sort -u; }

root=$cache/root-$(packages | sha256sum | cut -c1-12)
[[ -d $root ]] && { echo "$root"; exit; }
[[ $EUID == 0 ]] || die "making the Debian root needs root rights: run as root, or use Debian 13 itself with STREAMML_NATIVE=1"
mkdir -p "$cache"
exec 8>"$cache/.root.lock"
flock 8                                                     # two callers: the second finds it made
[[ -d $root ]] && { echo "$root"; exit; }

if ! command -v mmdebstrap >/dev/null; then
  say "installing mmdebstrap from the host's packages"
  apt-get -qq update >&2 || say "apt-get update failed; trying the lists that are there"
  apt-get -qq install -y --no-install-recommends mmdebstrap debian-archive-keyring >&2 ||
    die "cannot install mmdebstrap: 'apt-get install mmdebstrap' must work on this host"
fi

# The mirror of the host, if the host is a Debian; else mmdebstrap's own default.
mirror() {
  apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' 2>/dev/null |
    awk '$1 == "Debian" && $2 !~ /-/ { print $3; exit }'
}
sources=$(mirror || true)

tmp=$(mktemp -d "$cache/.root.XXXXXX")
trap 'rm -rf --one-file-system "$tmp"' EXIT
say "making a Debian 13 root with compiler and libraries in $root (once; usually 2 to 5 minutes)"
mkdir -p /usr/local/share/ca-certificates                   # what the host trusts, the root trusts
# shellcheck disable=SC2016
mmdebstrap --variant=minbase --quiet --include="$(packages | paste -sd,)" \
  --aptopt='Apt::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --customize-hook='copy-in /usr/local/share/ca-certificates /usr/local/share' \
  --customize-hook='chroot "$1" update-ca-certificates >/dev/null 2>&1' \
  --customize-hook='chroot "$1" apt-get clean' \
  "$suite" "$tmp" ${sources:+"$sources"} >&2 || die "mmdebstrap failed; its messages are above"
chmod 755 "$tmp"
mv "$tmp" "$root"
trap - EXIT
echo "$root"
