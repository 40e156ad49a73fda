#!/bin/sh
# Installs what the load tests and test/integration/wire-size.long.test.ts need beside npm's packages: nginx and openssl, from Debian's
# packages. k6 sees to itself (load-tests/driver/k6.ts). Says what is missing where it can't install.
set -eu
missing=""
command -v nginx >/dev/null 2>&1 || missing="nginx-light"
command -v openssl >/dev/null 2>&1 || missing="$missing openssl"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "edge-tools: apt-get install $missing …" >&2
  # Under a lock: browser tests may be installing Chromium (scripts/support/chromium.ts), and apt-get waits for nobody.
  flock /var/lib/apt apt-get update -qq
  # shellcheck disable=SC2086 # a list of packages
  DEBIAN_FRONTEND=noninteractive flock /var/lib/apt apt-get install -y -qq --no-install-recommends $missing >&2
else
  echo "edge-tools: missing: $missing. Debian: sudo apt-get update && sudo apt-get install -y $missing" >&2
  exit 1
fi
