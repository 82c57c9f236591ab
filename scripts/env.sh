# shellcheck shell=bash
# Sourced by the other scripts: where this clone is, and where the tools that install-deps brings are.
#
# Nothing is written to the user's shell profile: Rust by rustup and our own Node are found by this file alone.

# The clone. CDPATH is emptied because it makes `cd` print.
ROOT=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)

# Where cargo builds, as cargo itself sees it (CARGO_TARGET_DIR may be relative to the caller's folder).
TARGET=$(realpath -m -- "${CARGO_TARGET_DIR:-$ROOT/target}")

# A Node newer than the distribution's, when install-deps had to bring one.
NODE_HOME=$TARGET/tools/node

# What runs as root builds files that an unprivileged server must read.
umask 022

# Where mkfs and its like are, for those whose PATH is without.
PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin:/usr/sbin:/sbin
if [ -x "$NODE_HOME/bin/node" ]; then
  PATH=$NODE_HOME/bin:$PATH
fi
export PATH

# say TEXT: one line of progress, apart from what the tools print.
say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }

# die TEXT: the reason and the next step, then the end.
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# at_least HAVE WANT: whether version HAVE is WANT or newer.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# as_sudo_user ARGUMENTS: called as root through sudo, runs the calling script again as the person who called, so that
# no build output, toolchain or sample ends up belonging to root.
as_sudo_user() {
  if [ "$(id -u)" != 0 ] || [ "${SUDO_USER:-root}" = root ]; then return; fi
  exec runuser -u "$SUDO_USER" -- env -u SUDO_USER HOME="$(getent passwd "$SUDO_USER" | cut -d: -f6)" "$0" "$@"
}

# Put before a command, runs it as the unprivileged user that takes root's place, with nothing that root may do.
# shellcheck disable=SC2034 # used where this file is sourced
AS_NOBODY=(setpriv --reuid=nobody --regid=65534 --clear-groups --no-new-privs --inh-caps=-all)
