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
[[ $(uname -m) == x86_64 ]] || die "this machine is $(uname -m); StreamML builds for x86-64 only"
[[ $EUID == 0 ]] || die "making the Debian root needs root rights; see './dev help'"
unshare --mount --pid true 2>/dev/null ||
  die "no namespaces here (a container without privileges?): use the image of tools/Dockerfile"
mkdir -p "$cache"
exec 8>"$cache/.root.lock"
flock 8                                                     # two callers: the second finds it made
[[ -d $root ]] && { echo "$root"; exit; }

if ! command -v mmdebstrap >/dev/null || [[ ! -e /usr/share/keyrings/debian-archive-keyring.gpg ]]; then
  say "installing mmdebstrap from the host's packages"
  apt-get -qq update >&2 || say "apt-get update failed; trying the lists that are there"
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
    mmdebstrap debian-archive-keyring >&2 ||
    die "cannot install mmdebstrap: 'apt-get install mmdebstrap debian-archive-keyring' must work on this host"
fi

# The main archive that a Debian host uses, however its sources are written; nothing on other hosts.
mirror() {
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(COMPONENT) $(REPO_URI)' 2>/dev/null |
    awk '$1 == "Debian" && $2 !~ /-/ && $3 == "main" && !found { found = $4 } END { print found }'
}
# What a host needs to reach its mirror; without Check-Valid-Until=false a frozen mirror is refused.
apt_options() {
  apt-config dump Acquire::http::Proxy Acquire::https::Proxy Acquire::Retries \
    Acquire::Check-Valid-Until Acquire::Check-Date 2>/dev/null | grep -v '""' || :
}

# make_root FOLDER [MIRROR]. Java's packages fail to install without man1, which we leave empty.
make_root() {
  local options=() line
  while IFS= read -r line; do [[ -z $line ]] || options+=(--aptopt="$line"); done < <(apt_options)
  # shellcheck disable=SC2016
  mmdebstrap --variant=minbase --quiet --include="$(packages | paste -sd,)" \
    --aptopt='Apt::Install-Recommends "false"' "${options[@]}" \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --setup-hook='mkdir -p "$1/usr/share/man/man1"' \
    --customize-hook='copy-in /usr/local/share/ca-certificates /usr/local/share' \
    --customize-hook='chroot "$1" update-ca-certificates >/dev/null 2>&1' \
    --customize-hook='chroot "$1" apt-get clean' \
    "$suite" "$@" >&2
}

say "making a Debian 13 root with compiler and libraries in $root (once; usually 1 to 5 minutes)"
mkdir -p /usr/local/share/ca-certificates                   # what the host trusts, the root trusts
sources=$(mirror)
if [[ ! $sources ]] && grep -q '^ID=debian' /etc/os-release 2>/dev/null; then
  apt-get -qq update >&2 || :                               # apt names the archives only once it has their lists
  sources=$(mirror)
fi
tmp=$(mktemp -d "$cache/.root.XXXXXX")
trap 'rm -rf --one-file-system "$tmp"' EXIT
started=$SECONDS
if ! make_root "$tmp" ${sources:+"$sources"}; then
  [[ $sources ]] || die "mmdebstrap failed; its messages are above"
  say "that failed; once more with mmdebstrap's own mirror in place of the host's"
  rm -rf --one-file-system "$tmp"; mkdir "$tmp"
  make_root "$tmp" || die "mmdebstrap failed; its messages are above"
fi
chmod 755 "$tmp"
mv "$tmp" "$root"
trap - EXIT
say "the root is ready after $((SECONDS - started)) s ($(du -sh "$root" | cut -f1))"
echo "$root"
