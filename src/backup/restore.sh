#!/usr/bin/env bash
# Fills an empty database volume from the backups: the newest base backup (or the one that is named), then all of the log
# that was received after it in the same run. Ends with the database stopped, ready for `up`.
#
#   restore [RUN/BASE]      as `backup list` shows them; without it, the newest
set -euo pipefail
umask 077

readonly root=${BACKUP_FOLDER:-/backups}
readonly data=${PGDATA:?}
fail() { echo "restore: $*" >&2; exit 1; }

[ -z "$(ls -A "$data" 2>/dev/null)" ] ||
  fail "$data is not empty. Stop the database, keep a copy of that volume if it may still be of use, and remove it"

base=${1:-$(cd "$root" && find . -mindepth 3 -maxdepth 3 -path './*/base/2*' -printf '%f %h/%f\n' | sort | tail -n 1 | sed -E 's,^.* \./(.*)/base/,\1/,')}
[ -n "$base" ] || fail "there is no base backup in $root"
readonly from=$root/${base%%/*}/base/${base##*/} log=$root/${base%%/*}/wal
[ -d "$from" ] || fail "there is no base backup $base; see: backup list"

echo "restore: verifying base backup $base"
pg_verifybackup --quiet "$from" || fail 'this base backup is damaged; name an older one'

echo 'restore: copying'
# First of all: with it, and without a restore_command, no PostgreSQL starts on a copy that was cut short.
touch "$data/recovery.signal"
cp -a "$from/." "$data/"
chmod 0700 "$data"
rm -f "$data/backup_manifest"

echo 'restore: applying the received log'
# Nobody can log in meanwhile: no network, and a socket that only this container sees.
readonly sockets=/tmp
quiet_server() {
  pg_ctl --pgdata="$data" --silent --wait --timeout=86400 "$1" --log=/tmp/restore.log \
    --options="-c listen_addresses='' -c unix_socket_directories=$sockets -c ssl=off -c shared_preload_libraries='' -c hba_file=/usr/local/lib/tallystick/pg_hba.conf -c restore_command='fetch-wal $log %f %p'" ||
    { tail -n 20 /tmp/restore.log >&2; fail 'recovery failed; the lines above say why'; }
}
quiet_server start
sql() { psql --no-psqlrc --quiet -At -v ON_ERROR_STOP=1 -h "$sockets" -U postgres "$@"; }
while [ "$(sql -d postgres -c 'select pg_is_in_recovery()')" = t ]; do sleep 1; done

# The passwords of the roles came back as they were then; the secrets of this installation may be newer.
sql -d postgres <<SQL
alter role tallystick password '$(cat /etc/tallystick/owner-password)';
alter role tallystick_backup password '$(cat /etc/tallystick/backup-password)';
SQL

readonly schema=${TALLYSTICK_SCHEMA:-tallystick}
head=$(sql -d tallystick -c "select size || ' events, the last one recorded at ' || last_at from \"$schema\".batches order by size desc limit 1" 2>/dev/null) ||
  head='no ledger'
pg_ctl --pgdata="$data" --silent --wait --mode=fast stop
echo "restore: done. The database holds $head"
