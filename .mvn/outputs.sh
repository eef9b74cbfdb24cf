#!/bin/sh
# What a build leaves behind, and whether it still lies there whole. Maven, make and the launcher take half a class, a cut
# library or a lost file for a finished one: a build that was killed, a full disk or a copy that stopped leave such.
#   outputs.sh record LIST PLACE...   notes in LIST what lies in these files and folders
#   outputs.sh same LIST PLACE...     status 0 where it still lies there
# A place @FILE stands for the files that FILE names, separated by colons: a class path.
# Sizes and times are compared first, which takes some milliseconds. Where only times differ (a copied tree), contents
# decide, and the times are noted anew. Of jars, which are fetched and not built, the size has to do.
set -euf
action=$1 list=$2
shift 2

newline='
'
expanded=
for place do
  case $place in
    @*)
      if [ -f "${place#@}" ]; then expanded=$expanded$newline$(tr ':' '\n' <"${place#@}"); fi
      expanded=$expanded$newline${place#@} ;;
    *) expanded=$expanded$newline$place ;;
  esac
done
IFS=$newline
set -- $expanded

# A line a file, the folder itself left out, so that a tree may be moved.
sizes_and_times() { find -L "$@" -type f -printf '%s %T@ %p\n' 2>/dev/null | LC_ALL=C sort; }
contents() {
  {
    find -L "$@" -type f ! -name '*.jar' -exec sha256sum {} + 2>/dev/null
    find -L "$@" -type f -name '*.jar' -printf '%s %p\n' 2>/dev/null
  } | LC_ALL=C sort | sha256sum
}

case $action in
  record)
    for place do
      [ -e "$place" ] || { echo "palimpsest: the build has not made $place" >&2; exit 1; }
    done
    { sizes_and_times "$@"; contents "$@"; } >"$list.$$"
    mv -f "$list.$$" "$list" ;;
  same)
    [ -f "$list" ] || exit 1
    noted=$(tail -n 1 "$list")
    { sizes_and_times "$@"; printf '%s\n' "$noted"; } | cmp -s - "$list" && exit 0
    [ "$(contents "$@")" = "$noted" ] || exit 1
    # What was built when does not change by this; where nothing can be written, it is found out again each time.
    if { sizes_and_times "$@"; printf '%s\n' "$noted"; } 2>/dev/null >"$list.$$"; then
      touch -r "$list" "$list.$$" && mv -f "$list.$$" "$list"
    fi ;;
esac
