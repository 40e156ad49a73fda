#!/bin/sh
# Runs a TypeScript file, or a program from node_modules/.bin, on the project's own Node; installs first where needed.
#   sh scripts/run.sh scripts/demo.ts [arguments]      sh scripts/run.sh vitest run [arguments]
set -eu
root="$(cd "$(dirname "$0")/.." && pwd)"
sh "$root/scripts/ensure-install.sh"
cd "$root"
# The project's Node comes first, also for programs that start `node` themselves (wrangler, vitest).
PATH="$root/node_modules/.bin:$PATH"
# Nothing leaves this machine: no metrics, no look-up of a real request.cf.
WRANGLER_SEND_METRICS=false
CLOUDFLARE_CF_FETCH_ENABLED=false
# What V8 has compiled of our files and of wrangler is kept by content: a command starts in half the CPU, and tests start hundreds.
NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$root/.cache/node-compile}"
export PATH WRANGLER_SEND_METRICS CLOUDFLARE_CF_FETCH_ENABLED NODE_COMPILE_CACHE
major="$(node -p 'process.versions.node.split(".")[0]')"
if [ "$major" -lt 24 ]; then
  echo "exposure-edge: needs Node 24, found $(node --version). On Linux x64 npm ci brings it; elsewhere install it." >&2
  exit 1
fi
case "$1" in
  *.ts)
    # npm changes the directory to the package's; file names on the command line count from where the user stands.
    script="$root/$1"
    shift
    cd "${INIT_CWD:-$root}"
    exec node "$script" "$@"
    ;;
  *) exec "$@" ;;
esac
