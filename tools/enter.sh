#!/bin/bash
# enter.sh ROOT CACHE CMD...: run CMD inside the Debian root, in mount and process namespaces of its own.
# The root stays untouched: it is the lower layer of an overlay whose upper layer is memory; /tmp inside is memory
# too. Visible at their own paths: the project and a folder `shared` beside it, the cache, the current directory,
# /home, /media, /mnt, /srv, /data, and what STREAMML_BIND names (paths separated by colons).
# A terminal stays a terminal; TERM, INT and HUP reach CMD; its exit code is ours; its processes and mounts die with
# this process, however it ends.
set -euo pipefail

# What is to be visible inside, one path a line, folders before what they contain.
binds() {
  local extra paths=("$project" "$cache")
  for extra in "${project%/*}/shared" /home /media /mnt /srv /data; do
    [[ ! -d $extra || -L $extra ]] || paths+=("$extra")
  done
  case $PWD/ in
    / | // | /bin/* | /boot/* | /dev/* | /etc/* | /lib*/* | /proc/* | /run/* | /sbin/* | /sys/* | /tmp/ | /usr/*) ;;
    *) paths+=("$PWD") ;;
  esac
  while IFS= read -r -d : extra; do [[ ! -e $extra ]] || paths+=("$extra"); done <<<"${STREAMML_BIND-}:"
  printf '%s\n' "${paths[@]}" | sort -u
}

# The parent of process 1, in its mount namespace: hands signals on and waits. Process 1 is the first it forks.
outside() {
  env --default-signal=INT,QUIT setpriv --pdeathsig KILL bash "$0" --inside "$@" <&0 &
  child=$!
  # A Ctrl-C comes from the terminal to all of us. An INT sent by kill is handed on under another name, because
  # process 1 sees the Ctrl-C too.
  trap 'interrupted=1; [[ -t 0 || -t 2 ]] || kill -USR1 "$child" 2>/dev/null || :' INT
  await
}

# As process 1 the kernel drops signals that have no handler, so it does not become CMD but looks after it.
supervise() {
  env --default-signal=INT,QUIT "$@" <&0 &
  child=$!
  trap 'interrupted=1' INT
  trap 'interrupted=1; kill -INT "$child" 2>/dev/null || :' USR1
  await
}

# Waits for the child, also through signals, which it hands on; exits with its code.
await() {
  local status
  trap 'interrupted=1; kill -TERM "$child" 2>/dev/null || :' TERM
  trap 'interrupted=1; kill -HUP "$child" 2>/dev/null || :' HUP
  while interrupted='' status=0; wait "$child" || status=$?; [[ $interrupted ]]; do :; done
  exit "$status"
}

# As process 1 of the new namespaces: build the file system, move into it, run CMD.
inside() {
  local lower=$1 mnt=$2 n=$3 cwd=$PWD r=$2/root f; shift 3
  mount -t tmpfs tmpfs "$mnt"; mkdir "$mnt"/{upper,work,root}
  mount -t overlay -o "lowerdir=$lower,upperdir=$mnt/upper,workdir=$mnt/work" overlay "$r"
  mount -t proc proc "$r/proc"; mount -t sysfs -o ro sysfs "$r/sys"; mount --rbind /dev "$r/dev"
  mount -t tmpfs tmpfs "$r/run"; mount -t tmpfs tmpfs "$r/tmp"
  for ((; n > 0; n--)); do
    if [[ -d $1 ]]; then mkdir -p "$r$1"; else mkdir -p "$r${1%/*}"; : >>"$r$1"; fi
    mount --rbind "$1" "$r$1"; shift
  done
  for f in /etc/resolv.conf /etc/hosts /etc/pip.conf; do [[ ! -r $f ]] || cat "$f" >"$r$f"; done
  mkdir "$r/run/old"; cd "$r"; pivot_root . run/old; cd /
  umount -l /run/old; rmdir /run/old
  export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  cd "$cwd" 2>/dev/null || cd /
  supervise "$@"
}

case $1 in
  --outside | --inside) "${1#--}" "${@:2}" ;;
esac
root=$1 cache=$2; shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=${here%/*}
[[ $EUID == 0 ]] || { echo "dev: entering the Debian root needs root rights" >&2; exit 1; }
mkdir -p "$cache/mnt"
mapfile -t paths < <(binds)
exec unshare --mount --pid --propagation private bash "$here/${0##*/}" --outside \
  "$root" "$cache/mnt" "${#paths[@]}" "${paths[@]}" "$@"
