#!/usr/bin/env bash
# Runs once before everything else: makes the passwords and the database's certificate, each where only its reader sees it.
# What is there already stays, so running it again changes nothing.
#
#   /secrets/database   server.key, server.crt, owner-password, backup-password, superuser-password    the database
#   /secrets/server     database-url, ca.crt                                                           Tallystick
#   /secrets/backup     pgpass, ca.crt                                                                 the backup service
#
# The certificate has an authority of its own whose key is thrown away at once: it signed one certificate and can never sign
# another. Clients get the authority's certificate and nothing else is believed.
set -euo pipefail
umask 077

# Tallystick's group in its own image: `group_add` puts this process into it, so that it may hand the URL over.
readonly server_group=${SERVER_GROUP:-10001}
readonly host=${DATABASE_HOST:-database}
readonly years=10

# A file appears with its content or not at all.
write() { # path, mode, group
  # What an earlier run left of it may be read-only.
  rm -f "$1.new"
  cat >"$1.new"
  chgrp "${3:-$(id -g)}" "$1.new"
  chmod "$2" "$1.new"
  mv -f "$1.new" "$1"
}

password() { # name
  [ -s "/secrets/database/$1-password" ] || openssl rand -hex 32 | write "/secrets/database/$1-password" 0600
}

certificate() {
  # Written last, so it stands for all of them.
  [ ! -s /secrets/database/server.crt ] || return 0
  local work
  work=$(mktemp -d)
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days $((years * 366)) \
    -subj '/CN=Tallystick database authority' -addext 'keyUsage=critical,keyCertSign' \
    -keyout "$work/ca.key" -out "$work/ca.crt" 2>/dev/null
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$host" \
    -keyout "$work/server.key" -out "$work/server.csr" 2>/dev/null
  printf 'subjectAltName=DNS:%s\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n' \
    "$host" >"$work/extensions"
  openssl x509 -req -in "$work/server.csr" -CA "$work/ca.crt" -CAkey "$work/ca.key" -CAcreateserial \
    -days $((years * 365)) -extfile "$work/extensions" -out "$work/server.crt" 2>/dev/null
  write /secrets/server/ca.crt 0444 <"$work/ca.crt"
  write /secrets/backup/ca.crt 0444 <"$work/ca.crt"
  write /secrets/database/server.key 0600 <"$work/server.key"
  write /secrets/database/server.crt 0444 <"$work/server.crt"
  rm -rf "$work"
  echo "prepare: made the database's certificate for the name $host, good for $years years"
}

for name in superuser owner backup; do password "$name"; done
certificate

# Hexadecimal passwords need no escaping, neither in a URL nor in a pgpass file.
printf 'postgres://tallystick:%s@%s:5432/tallystick\n' "$(cat /secrets/database/owner-password)" "$host" |
  write /secrets/server/database-url 0440 "$server_group"
printf '%s:5432:*:tallystick_backup:%s\n' "$host" "$(cat /secrets/database/backup-password)" |
  write /secrets/backup/pgpass 0600

echo 'prepare: passwords and certificate are in place'
