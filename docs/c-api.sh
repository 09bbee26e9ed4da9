#!/bin/sh
# docs/c-api.md, from the public headers: those that rlc.h includes, each behind what it builds on. Run by `make docs`.
set -e
cd "$(dirname "$0")/.."

order=
visit() {
    case " $order $open " in *" $1 "*) return ;; esac
    open="$open $1"
    for header in $(sed -n 's/^#include "\(.*\.h\)".*/\1/p' "$1"); do visit "$header"; done
    order="$order $1"
}
for header in $(sed -n 's/^#include "\(.*\)"/\1/p' recipes/rlc.h); do visit "$header"; done

cat <<'END'
# The C interface

Made by `make docs` from the headers, which are the manual of each part; `#include <rlc.h>` has all of them. A part comes
behind those it builds on: tensors and programs, dicts and specs, modules, environments, losses and optimisers, collectors
and buffers, recipes and runs.

END
# the first sentence of each
for header in $order; do
    awk -v anchor="$(echo "$header" | tr -d './')" '
        { line = $0; sub(/^\/\* [a-z_0-9]*\.h: /, "", line); sub(/^ \* ?/, "", line); sub(/ *\*\/.*/, "", line) }
        { text = text (NR > 1 ? " " : "") line }
        match(text, /\.( |$)/) || line == "" { text = substr(text, 1, RSTART > 0 ? RSTART - 1 : length(text)); exit }
        END { print "- [" FILENAME "](#" anchor "): " text }' "$header"
done
echo
# shellcheck disable=SC2086 # one word for each header
LC_ALL=C awk -f docs/c-api.awk $order | cat -s
