#!/usr/bin/env bash
# The whole road under load, from the gateway's event over rule and commit to the answer, with SQLite and with a
# private PostgreSQL: how long answers take, and where the CPU time goes, as a flame graph each.
#
#   bench/whole_road.sh [FOLDER]     RATE=2000 SECONDS_LONG=30 SERVERS=1000; the graphs go to docs/internals
#
# Needs perf (Debian: linux-perf) and the right to use it. UNSEEN=1 leaves it and the graphs out: looking takes time, too.
set -euo pipefail
cd "$(dirname "$0")/.."
graphs=${1:-docs/internals}
rate=${RATE:-2000} seconds=${SECONDS_LONG:-30} servers=${SERVERS:-1000}
guildhall=$PWD/build/release/guildhall
folder=$(mktemp -d)
chmod 711 "$folder"
trap 'rm -rf "$folder"' EXIT

# The bot that the load runs is its only child; it is looked at once all servers are there.
sample() {
  local load=$1 data=$2 said=$3 bot
  until grep -qs "events a second for" "$said"; do kill -0 "$load" 2>/dev/null || return 1; sleep 0.2; done
  bot=$(pgrep -P "$load")
  perf record -q -F 499 -g --call-graph dwarf,16384 -p "$bot" -o "$data" -- sleep $((seconds - 5))
}

# road NAME [CONFIGURATION]
road() {
  local name=$1 load
  echo "== $name"
  "$guildhall" sim load --servers "$servers" --members 100 --rate "$rate" --seconds "$seconds" \
    --bot "$guildhall run ${2:+--config $2}" >"$folder/$name.out" 2>"$folder/$name.err" &
  load=$!
  [ -n "${UNSEEN:-}" ] || sample "$load" "$folder/$name.data" "$folder/$name.err" || echo "$name: perf saw nothing" >&2
  wait "$load" || { cat "$folder/$name.err" "$folder/$name.out"; return 1; }
  cat "$folder/$name.out"
  [ -n "${UNSEEN:-}" ] ||
    perf script -i "$folder/$name.data" 2>/dev/null | node bench/flame_graph.mjs "The whole road at $rate events/s, $name" "$graphs/road-${name,,}.svg"
}

road SQLite
address=$(tools/private_postgres.sh start "$folder/postgres" durable)
trap 'tools/private_postgres.sh stop "$folder/postgres"; rm -rf "$folder"' EXIT
"$guildhall" setup postgres --url "$address" >"$folder/guildhall.toml"
road PostgreSQL "$folder/guildhall.toml"
