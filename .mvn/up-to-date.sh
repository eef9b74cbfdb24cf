#!/bin/sh
# Status 0 where the build below ROOT is whole and no source is newer than it. up-to-date.sh ROOT
set -eu
root=$1
cd "$root/target" 2>/dev/null || exit 1
"$root/.mvn/outputs.sh" same palimpsest.built classes @classpath.txt || exit 1
[ "${PALIMPSEST_REBUILD:-}" = no ] && exit 0
[ -z "$(find "$root/pom.xml" "$root/src/main" "$root/native" -newer palimpsest.built -type f -print 2>/dev/null | head -n 1)" ]
