# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# How `./dev` shows its progress and builds. Sourced by it.

jobs=$(nproc)
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1  # one cache for all clones on a machine

die() {
  printf 'dev: %s\n' "$*" >&2
  exit 1
}

# step NAME COMMAND...: one line of progress; the command's output goes to a log.
step() {
  local name=$1 log=build/logs/${1//[ \/]/-}.log start=$SECONDS
  shift
  mkdir -p build/logs
  printf '%-24s ' "$name"
  if "$@" >"$log" 2>&1 </dev/null; then
    printf '%4d s\n' $((SECONDS - start))
  else
    printf 'FAILED after %d s\n' $((SECONDS - start))
    tail -n 40 "$log" >&2
    die "'$name' failed; full output: $log"
  fi
}

# build PRESET [TARGET]
build() {
  step "configure $1" cmake --preset "$1" -DCMAKE_CXX_COMPILER_LAUNCHER=ccache
  step "build $1" cmake --build --preset "$1" --parallel "$jobs" ${2:+--target "$2"}
}
