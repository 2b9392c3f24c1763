#!/bin/bash
# enter.sh ROOT CACHE CMD...: run CMD inside the Debian root, in mount and process namespaces of its own.
# The root stays untouched: it is the lower layer of an overlay whose upper layer is memory. Processes and
# mounts die with this process. The project, the cache and the current directory are bound at their own paths.
set -euo pipefail
root=$1 cache=$2; shift 2
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[[ $EUID == 0 ]] || { echo "dev: entering the Debian root needs root rights" >&2; exit 1; }

# As process 1 of the new namespaces: build the file system, move into it, become CMD.
inside() {
  set -euo pipefail
  local lower=$1 mnt=$2 n=$3 cwd=$PWD r=$2/root; shift 3
  mount -t tmpfs tmpfs "$mnt"; mkdir "$mnt"/{upper,work,root}
  mount -t overlay -o "lowerdir=$lower,upperdir=$mnt/upper,workdir=$mnt/work" overlay "$r"
  mount -t proc proc "$r/proc"; mount --rbind /dev "$r/dev"
  mount -t tmpfs tmpfs "$r/run"; mount -t tmpfs tmpfs "$r/tmp"
  for ((; n > 0; n--)); do
    if [[ -d $1 ]]; then mkdir -p "$r$1"; mount --rbind "$1" "$r$1"; fi
    shift
  done
  for f in /etc/resolv.conf /etc/hosts /etc/pip.conf; do [[ ! -r $f ]] || cat "$f" >"$r$f"; done
  mkdir "$r/run/old"; cd "$r"; pivot_root . run/old; cd /
  umount -l /run/old; rmdir /run/old
  export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  cd "$cwd" 2>/dev/null || cd /
  exec "$@"
}

mkdir -p "$cache/mnt"
binds=("$project" "$cache")
[[ $PWD == "$project"* || $PWD == / || $PWD == /tmp ]] || binds+=("$PWD")
for extra in ${STREAMML_BIND-}; do binds+=("$extra"); done
exec setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --propagation private \
  bash -c "$(declare -f inside); inside \"\$@\"" enter "$root" "$cache/mnt" ${#binds[@]} "${binds[@]}" "$@"
