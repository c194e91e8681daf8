#!/bin/sh
# Collects what the command needs to run: Node.js, the libraries that it is linked with, their licences, one user.
# There is no shell in it, no package manager, and nothing else that could be called.
set -eu
root=$1
node=/usr/local/bin/node

add() {
  mkdir -p "$root$(dirname "$1")"
  cp -L "$1" "$root$1"
}

add "$node"
# "libm.so.6 => /lib/… (0x…)", and "/lib64/ld-linux-x86-64.so.2 (0x…)"; the rest has no file.
ldd "$node" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) .*/\1/p' | sort -u | while read -r library; do
  add "$library"
done
for package in libc6 libgcc-s1 libstdc++6; do
  add "/usr/share/doc/$package/copyright"
done

mkdir -p "$root/etc" "$root/home/nonroot"
echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >"$root/etc/passwd"
echo 'nonroot:x:65532:' >"$root/etc/group"
mkdir -m 1777 "$root/tmp"
