#!/bin/sh
# Runs test programs, as many at a time as there are cores. What each says is printed in one piece when it ends; after a failure no
# more are started. SANITIZER='compute-sanitizer --error-exitcode 9' runs them under it.
#
#     tests/run.sh build/tests test_dict test_env
folder=$1
shift
export folder
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} sh -c '
    $SANITIZER "$folder/$1" >"$folder/$1.log" 2>&1
    status=$?
    flock "$folder" cat "$folder/$1.log"
    [ $status = 0 ] || { echo "$folder/$1: exit status $status" >&2; exit 255; }' run {}
