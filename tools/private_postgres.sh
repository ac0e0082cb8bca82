#!/usr/bin/env bash
# A PostgreSQL of the tests' own: a fresh cluster in a folder, reached through a socket there and nowhere
# else, run by an unprivileged user. Nothing of the machine's own clusters is touched.
#
#   private_postgres.sh start FOLDER [durable]   prints the address of a login that may make databases and roles
#   private_postgres.sh kill FOLDER              as if the power went
#   private_postgres.sh restart FOLDER           after that
#   private_postgres.sh stop FOLDER
set -euo pipefail
programs=/usr/lib/postgresql/15/bin

# PostgreSQL refuses to run as root.
unprivileged() {
  if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups env HOME=/tmp LC_ALL=C.UTF-8 "$@"; else LC_ALL=C.UTF-8 "$@"; fi
}

start_server() {
  unprivileged "$programs/pg_ctl" -D "$1/data" -l "$1/log" -w -t 60 -s start >/dev/null
}

start() {
  local folder=$1
  mkdir -p "$folder"
  if [ "$(id -u)" = 0 ]; then chown postgres: "$folder"; fi
  unprivileged "$programs/initdb" -D "$folder/data" -U postgres --auth=trust --locale=C.UTF-8 --encoding=UTF8 --no-sync >"$folder.initdb" 2>&1 ||
    { cat "$folder.initdb" >&2; exit 1; }
  rm -f "$folder.initdb"
  {
    printf "listen_addresses = ''\nunix_socket_directories = '%s'\nmax_connections = 300\n" "$folder"
    # A database that is about to be dropped has no use for a vacuum, and a role that is no superuser cannot end one.
    printf "shared_buffers = 128MB\nmax_wal_size = 2GB\nautovacuum = off\n"
    [ "${2:-}" = durable ] || printf "fsync = off\nfull_page_writes = off\n"
  } | unprivileged tee -a "$folder/data/postgresql.conf" >/dev/null
  # Databases of this name ask for passwords; elsewhere the socket's folder is the door.
  printf 'local with_password all scram-sha-256\nlocal all all trust\n' | unprivileged tee "$folder/data/pg_hba.conf" >/dev/null
  start_server "$folder"
  unprivileged "$programs/psql" -q -h "$folder" -U postgres -d postgres -c "CREATE ROLE operator LOGIN CREATEROLE CREATEDB" >/dev/null
  # The socket's folder as the host; a path in an address is written with %2F.
  printf 'postgres://operator@%s/postgres\n' "${folder//\//%2F}"
}

case "${1:-}" in
  start) start "$2" "${3:-}" ;;
  kill) kill -9 "$(head -1 "$2/data/postmaster.pid")" ;;
  restart)
    # The children of a killed postmaster end by themselves; a new one waits for that.
    for _ in $(seq 100); do start_server "$2" 2>/dev/null && exit 0; sleep 0.1; done
    cat "$2/log" >&2
    exit 1
    ;;
  stop) unprivileged "$programs/pg_ctl" -D "$2/data" -m immediate -s stop >/dev/null || true ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
