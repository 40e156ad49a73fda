#!/bin/sh
# Installs what package-lock.json names, unless it is there already. Says so on stderr, so that a command's own output stays clean.
set -eu
cd "$(dirname "$0")/.."
if ! node scripts/installed.mjs; then
  echo "exposure-edge: installing packages with npm ci (once, about a minute) …" >&2
  npm ci --no-fund --no-audit --loglevel=error >&2
fi
