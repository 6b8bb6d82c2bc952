#!/bin/sh
# Starts from a Debian with nothing but git and Python, as a newcomer does: clone, demo, tests. Root only; needs debootstrap.
# usage: tests/bare_machine.sh [bookworm|trixie] [NOREN ARGUMENTS: that one command instead of demo and test]
set -eu

suite=${1:-bookworm}
[ $# -eq 0 ] || shift
tree=$(dirname -- "$(dirname -- "$(readlink -f -- "$0")")")
root=$(mktemp -d)

# What is mounted goes first: a folder is not removed with the machine's own /dev in it.
clear_away() {
  for name in dev proc; do
    if mountpoint -q "$root/$name"; then umount --recursive --lazy "$root/$name"; fi
  done
  rm -rf --one-file-system "$root"
}
trap clear_away EXIT
trap 'exit 130' INT TERM

# The way to the packages is this machine's: its mirror, proxies, certificates and pip settings, as far as it has any.
# shellcheck disable=SC2016,SC2086 # Apt's own variable; a mirror or nothing.
{
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep --max-count=1 '/debian/\?$' || true)
  debootstrap --variant=minbase --include=git,ca-certificates,python3 "$suite" "$root" $mirror >/dev/null
}
apt-config dump | grep -E '^Acquire::(http|https|Check-Valid-Until|Check-Date)\b' >"$root/etc/apt/apt.conf.d/99host" || true
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
for file in /etc/pip.conf /etc/xdg/pip/* "$HOME/.config/pip/pip.conf"; do
  if [ -f "$file" ]; then install -D --mode=644 "$file" "$root/$file"; fi
done
reach=$(env | grep -E '^(PIP_|SSL_CERT_|[a-z]+_proxy=|[A-Z]+_PROXY=)' | grep -v '[[:space:]]' || true)

git clone --quiet "$tree" "$root/noren"
mount --types proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --make-rslave "$root/dev"

megabytes() { du --summarize --one-file-system --block-size=1M "$root" | cut -f 1; }

# noren ARGUMENT…: in the bare machine, with how long it took and what it left on the disk.
noren() {
  before=$(megabytes)
  start=$(date +%s)
  code=0
  # shellcheck disable=SC2086 # A list of words.
  chroot "$root" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin $reach /noren/noren "$@" || code=$?
  printf '%s: ./noren %s: exit code %s, %s s, %s MB more\n' \
    "$suite" "$*" "$code" "$(($(date +%s) - start))" "$(($(megabytes) - before))"
  [ "$code" = 0 ] || failed=1
}

failed=0

printf '%s: bare machine: %s MB\n' "$suite" "$(megabytes)"
if [ $# -gt 0 ]; then
  noren "$@"
else
  noren demo --for 30 --headless
  noren setup # A second start: what is there is found in no time.
  noren test
fi
exit "$failed"
