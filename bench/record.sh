#!/bin/sh
# Measures with `palimpsest bench` and files the JSON by commit and shape. Arguments go to the command.
#   bench/record.sh --threads 2
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
commit=$(git rev-parse --short HEAD)
file=bench/results/short-$commit$(printf '%s' "$*" | tr -d ' ').json
trap 'rm -f "$file.partial"' EXIT
./palimpsest bench --json "$@" >"$file.partial"
mv "$file.partial" "$file"
echo "bench: wrote $file"
bench/tables.sh
