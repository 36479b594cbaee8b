# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the tests of this folder share. WORK: a folder for them; PREFIX: where `install` has installed.
set -euo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
strict=(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
export PKG_CONFIG_PATH=$PREFIX/share/pkgconfig
if [[ -z ${CMAKE_CXX_COMPILER_LAUNCHER:-} ]]; then unset CMAKE_CXX_COMPILER_LAUNCHER; fi

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

# quietly COMMAND...: shows the output only if the command fails.
quietly() {
  local output
  output=$("$@" 2>&1) || fail "failed: $*" "$output"
}

# expect TEXT WORDS: TEXT has WORDS, whatever the line breaks.
expect() {
  [[ $(tr -s ' \n' ' ' <<<"$1") == *"$2"* ]] || fail "expected: $2" "got: $1"
}

# without LIBRARY...: prints options that make CMake act as if the libraries were not installed.
without() { printf -- '-DCMAKE_DISABLE_FIND_PACKAGE_%s=ON\n' "$@"; }

# block NAME: the code block of docs/embedding.md with `name=NAME` behind its language.
block() {
  awk -v name="name=$1" '/^```/ { on = !on && $2 == name; next } on' "$source_dir/docs/embedding.md"
}
