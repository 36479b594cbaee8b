#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The README's manual transcript, typed by a machine: curl, and npm's wscat at a terminal of its own.
# Usage: transcript.sh ORDER_SERVER [its further arguments]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
server=$1
shift
wscat=$here/node_modules/.bin/wscat
patience=30

fail() {
  echo "transcript: $*" >&2
  for file in server.log server.out screen; do
    [ -e "$work/$file" ] && { echo "---- $file"; cat "$work/$file"; } >&2
  done
  exit 1
}

work=$(mktemp -d)
server_pid=
wscat_pid=
clean_up() {
  # Either may have ended by itself.
  [ -z "$wscat_pid" ] || kill "$wscat_pid" 2>/dev/null || true
  [ -z "$server_pid" ] || kill -KILL "$server_pid" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT

[ -x "$wscat" ] || fail "wscat is not installed: run 'npm ci' in $here (./dev test does)"

# The first line that matches, as soon as it is there: `tail` follows the file, so nothing sleeps.
wait_for() { # FILE PATTERN
  grep -m 1 -aoE -- "$2" < <(timeout "$patience" tail -n +1 -F "$1" 2>/dev/null) ||
    fail "no '$2' in ${1##*/}"
}

touch "$work/server.out" "$work/screen"
JWT_SECRET=0123456789abcdef0123456789abcdef "$server" --port 0 --db "$work/orders.db" "$@" \
  >"$work/server.out" 2>"$work/server.log" &
server_pid=$!
address=$(wait_for "$work/server.out" 'http://[^ ]+')
PORT=${address##*:}

# json EXPRESSION: what it is worth for the JSON on stdin, called `it`; fails when that is nothing.
json() {
  node -e 'const it = JSON.parse(require("fs").readFileSync(0));
    const worth = eval(process.argv[1]);
    if (worth === undefined || worth === false) process.exit(1);
    console.log(worth)' "$1"
}

# Node 18 tries only the first address of "localhost", which is ::1 on many machines.
export NODE_OPTIONS=--dns-result-order=ipv4first

# ---- from here on it is what people type ----
TOKEN=$(curl -sf "http://localhost:$PORT/api/v1/auth/login" \
  -d '{"email":"admin@martly.dev","password":"admin123"}' | json it.data.accessToken) ||
  fail "login failed"
ORDER=$(curl -sf -H "Authorization: Bearer $TOKEN" \
  "http://localhost:$PORT/api/v1/orders?status=PENDING" | json 'it.data[0].id') ||
  fail "no PENDING order"

mkfifo "$work/keyboard"
# `script` gives wscat a terminal: without one it prints no prompt and no word of its connection.
script -qefc "$wscat --no-color -c 'ws://localhost:$PORT/ws?token=$TOKEN'" /dev/null \
  <"$work/keyboard" >"$work/screen" 2>&1 &
wscat_pid=$!
exec 3>"$work/keyboard"
wait_for "$work/screen" 'Connected' >/dev/null
echo "{\"type\":\"subscribe\",\"orderId\":\"$ORDER\"}" >&3
echo '{"type":"ping"}' >&3
wait_for "$work/screen" '< \{"type":"pong"\}'

curl -sf -X PATCH "http://localhost:$PORT/api/v1/orders/$ORDER/status" \
  -H "Authorization: Bearer $TOKEN" -d '{"status":"CONFIRMED"}' |
  json 'it.success && it.data.status === "CONFIRMED"' >/dev/null || fail "the PATCH failed"

update=$(wait_for "$work/screen" '< \{"type":"order:updated".*\}')
json "it.orderId === '$ORDER' && it.data.id === '$ORDER' && it.data.status === 'CONFIRMED'" \
  <<<"${update#< }" >/dev/null || fail "a strange order:updated: $update"
hint=$(wait_for "$work/screen" '< \{"type":"orders:changed".*\}')
json "Object.keys(it).length === 3 && it.orderId === '$ORDER' && it.status === 'CONFIRMED'" \
  <<<"${hint#< }" >/dev/null || fail "a strange orders:changed: $hint"
echo "$update"
echo "$hint"

exec 3>&-
kill -TERM "$server_pid"
wait "$server_pid" || fail "the server did not end with success"
server_pid=
echo "transcript: all as written"
