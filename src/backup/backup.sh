#!/usr/bin/env bash
# The backup service: a base backup on a schedule, verified before it counts, and in between every change as it is committed
# (the write-ahead log, received over a replication slot). A restore goes to the end of what was received, so what a lost
# disk costs is seconds and not a day. Going back in time is not what this is for: `tally restore` does that.
#
#   backup            the service: receives, takes a base backup every BACKUP_EVERY_HOURS, forgets after BACKUP_KEEP_DAYS
#   backup now        takes a base backup now
#   backup list       what could be restored
#   backup health     fails when the newest base backup is late or nothing is being received
#
# /backups/RUN/base/TIME/    verified base backups          RUN = when it began, and the database's system identifier
# /backups/RUN/wal/          the log since the first of them, without a gap
#
# A run is one unbroken piece of history. Its replication slot bears its name: slots do not survive a restore, so a database
# that was restored, replaced, or had to drop log that nobody received begins a new run, and never overwrites an older one.
set -euo pipefail
umask 077

readonly every=$((${BACKUP_EVERY_HOURS:-24} * 3600))
readonly keep_days=${BACKUP_KEEP_DAYS:-7}
readonly root=${BACKUP_FOLDER:-/backups}
# Of the receiver: its process, and the run that it receives.
readonly receiver=/tmp/receiver.pid current=/tmp/run
export PGPASSFILE=/etc/tallystick/pgpass PGSSLMODE=verify-full PGSSLROOTCERT=/etc/tallystick/ca.crt
export PGHOST=${DATABASE_HOST:-database} PGUSER=tallystick_backup PGCONNECT_TIMEOUT=10 PGAPPNAME=tallystick_backup

say() { printf '%s %s\n' "$(now --rfc-3339=seconds)" "$*"; }
now() { date -u "$@"; }
stamp() { now +%Y%m%dT%H%M%SZ "$@"; }
sql() { psql --no-psqlrc --no-password --quiet -At -v ON_ERROR_STOP=1 "dbname=tallystick${2:-}" -c "$1"; }
# The folders in a folder, by name, oldest first. Unfinished ones begin with a dot.
folders() { find "$1" -mindepth 1 -maxdepth 1 -type d -name '2*' -printf '%f\n' 2>/dev/null | sort; }

age() { # seconds since the newest base backup of a run began
  local newest
  newest=$(folders "$root/$1/base" | tail -n 1)
  [ -n "$newest" ] || { echo 999999999; return; }
  echo $(($(now +%s) - $(now -d "$(sed -E 's/^(....)(..)(..)T(..)(..)(..)Z$/\1-\2-\3 \4:\5:\6/' <<<"$newest")" +%s)))
}

slot_of() { echo "tallystick_${1,,}" | tr -- - _; }
# Prints t or f; fails when the database does not answer, which says nothing about the slot.
slot_is_whole() { sql "select coalesce(bool_or(wal_status <> 'lost'), false) from pg_replication_slots where slot_name = '$(slot_of "$1")'"; }

# Prints the run that the database of this moment continues, or begins one. Its caller asks whether it worked, and there
# `set -e` is off: each step says so itself.
find_run() {
  local system run old over whole=f
  system=$(sql IDENTIFY_SYSTEM ' replication=yes' | cut -d '|' -f 1)
  [ -n "$system" ] || return 1
  run=$(folders "$root" | grep -- "-$system\$" | tail -n 1) || true
  [ -z "$run" ] || whole=$(slot_is_whole "$run") || return 1
  if [ "$whole" != t ]; then
    run=$(stamp)-$system
    # Slots of runs that are over would keep log for nobody.
    over=$(sql "select slot_name from pg_replication_slots where slot_name like 'tallystick\_2%' and not active") || return 1
    for old in $over; do
      pg_receivewal --slot="$old" --drop-slot --no-password || true
    done
    pg_receivewal --slot="$(slot_of "$run")" --create-slot --no-password || return 1
    mkdir -p "$root/$run/wal" "$root/$run/base" || return 1
  fi
  echo "$run"
}

# Receives until the connection ends; then the caller asks again who is there.
receive() {
  local run
  run=$(find_run) || return 1
  say "receiving the log of run $run"
  # --no-loop: it would go on with whatever database answers next, into the folder of this run.
  pg_receivewal --directory="$root/$run/wal" --slot="$(slot_of "$run")" --synchronous --no-loop --no-password &
  echo "$run" >"$current"
  echo $! >"$receiver"
  wait $! || true
  rm -f "$receiver" "$current"
}

keep_receiving() {
  trap 'kill -INT "$(cat "$receiver" 2>/dev/null)" 2>/dev/null; exit 0' TERM INT
  while true; do
    receive || true
    say 'not receiving; trying again in 5 s'
    sleep 5
  done
}

# In a subshell of its own: the lock ends with it, however it ends. The service asks whether it worked: `set -e` is off.
take_base() (
  [ -e "$current" ] || { say 'nothing is being received: no base backup'; return 1; }
  run=$(cat "$current")
  base=$(stamp)
  incoming=$root/$run/base/.incoming-$base
  exec 9>"$root/$run/lock"
  flock -n 9 || { say 'a base backup is being taken already'; return 1; }
  rm -rf "$root/$run/base/".incoming-*
  # --wal-method=stream makes it complete by itself, whatever happens to the received log. The slot is asked for afterwards:
  # a database that was replaced meanwhile is another run.
  if pg_basebackup --pgdata="$incoming" --wal-method=stream --checkpoint=fast --no-password \
    --manifest-checksums=SHA256 --label="tallystick $base" &&
    pg_verifybackup --quiet "$incoming" && [ "$(slot_is_whole "$run")" = t ] &&
    sync -f "$incoming" && mv "$incoming" "$root/$run/base/$base" && sync -f "$root/$run/base"; then
    say "base backup $run/$base is taken and verified: $(du -sh "$root/$run/base/$base" | cut -f 1)"
    forget "$run"
  else
    rm -rf "$incoming"
    say 'the base backup FAILED; the older ones are kept'
    return 1
  fi
)

# Only after a new base is complete, so there is always one left. Of other databases nothing is ever deleted: after a
# disaster they may be all there is.
forget() { # run
  local horizon old next first
  horizon=$(stamp -d "-$keep_days days")
  for old in $(folders "$root/$1/base" | head -n -1); do
    [[ $old < $horizon ]] || continue
    rm -rf "${root:?}/$1/base/$old"
    say "base backup $1/$old is older than $keep_days days and is deleted"
  done
  first=$(folders "$root/$1/base" | head -n 1)
  first=$(sed -nE 's/^START WAL LOCATION: .*\(file ([0-9A-F]{24})\)$/\1/p' "$root/$1/base/$first/backup_label")
  [ -z "$first" ] || pg_archivecleanup "$root/$1/wal" "$first"
  for old in $(folders "$root"); do
    next=$(folders "$root" | grep -A 1 -x -- "$old" | tail -n 1)
    if [ "${old#*-}" != "${1#*-}" ]; then
      say "note: $old is of another database; it is kept until you delete it, and so is what it holds"
    elif [ "$old" != "$1" ] && [[ ${next%%-*} < $horizon ]]; then
      rm -rf "${root:?}/$old"
      say "run $old has been over for more than $keep_days days and is deleted"
    fi
  done
}

serve() {
  local child run
  rm -f "$receiver" "$current"
  keep_receiving &
  child=$!
  trap 'kill -TERM "$child"; wait "$child"; exit 0' TERM INT
  while true; do
    sleep 5 & wait $!
    run=$(cat "$current" 2>/dev/null) || continue
    [ "$(age "$run")" -ge "$every" ] || continue
    # A failed one is tried again in a minute, not in a day.
    take_base || { sleep 60 & wait $!; }
  done
}

list() {
  local run base last
  for run in $(folders "$root"); do
    echo "$run"
    for base in $(folders "$root/$run/base"); do echo "  $run/$base  $(du -sh "$root/$run/base/$base" | cut -f 1)"; done
    last=$(find "$root/$run/wal" -type f -printf '%TY-%Tm-%TdT%TH:%TM:%.2TSZ\n' | sort | tail -n 1)
    echo "  and all changes until ${last:-its last base backup}"
  done
}

health() {
  local run seconds
  run=$(cat "$current" 2>/dev/null) && kill -0 "$(cat "$receiver")" || { echo 'nothing is being received'; return 1; }
  seconds=$(age "$run")
  [ "$seconds" -lt $((every * 2 + 3600)) ] || { echo "the newest base backup is $seconds s old"; return 1; }
  echo "receiving; the newest base backup is $seconds s old"
}

case ${1:-serve} in
  serve) serve ;;
  now) take_base ;;
  list) list ;;
  health) health ;;
  *) sed -n '2,17p' "$0" | cut -c 3- >&2; exit 2 ;;
esac
