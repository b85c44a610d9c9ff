#!/usr/bin/env bash
# What PostgreSQL calls while it recovers: `fetch-wal FOLDER SEGMENT TARGET`. The newest segment was still being received
# when the database was lost: it is there as .partial, of full length, and is as good as what was written of it.
set -euo pipefail
for file in "$1/$2" "$1/$2.partial"; do
  if [ -e "$file" ]; then
    exec cp "$file" "$3"
  fi
done
# Not an error: this is how recovery learns that it has reached the end.
exit 1
