#!/usr/bin/env bash
# First start of an empty database: the logins that Tallystick and its backups use, neither of them a superuser.
# Tallystick's owner makes schemas and roles at its start and then closes that connection (docs/reference/postgresql.md).
set -euo pipefail

# Passwords travel on stdin: an argument would be seen by every process of the machine.
psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 -U postgres -d postgres <<SQL
create role tallystick login createrole password '$(cat /etc/tallystick/owner-password)';
create role tallystick_backup login replication password '$(cat /etc/tallystick/backup-password)';
create database tallystick owner tallystick;
revoke temporary on database tallystick from public;
\connect tallystick
create extension pg_stat_statements;
SQL
