#!/bin/sh
# make install, and what one does with it: plug-ins and programs from examples/, compiled in another folder with nothing
# but pkg-config to go by, as C11 and as C++17, and run with the command that was installed.
set -e
cd "$(dirname "$0")/.."
source=$PWD
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
prefix=/opt/rlc
to=$folder$prefix
cc=${CC:-cc}

fail() { echo "install: $*" >&2; exit 1; }

make install DESTDIR="$folder" PREFIX=$prefix >"$folder/log" 2>&1 || { cat "$folder/log"; fail "make install failed"; }
export PKG_CONFIG_PATH="$to/lib/pkgconfig"
test "$(pkg-config --variable=prefix rlc)" = $prefix || fail "rlc.pc has another prefix than $prefix"
grep -q "\"$(pkg-config --modversion rlc)\"" core/base.h || fail "rlc.pc has another version than core/base.h"
export PKG_CONFIG_SYSROOT_DIR="$folder" # the files are not at their final place yet
export LD_LIBRARY_PATH="$to/lib"

mkdir "$folder/work"
cp examples/*.c examples/*.h examples/*.yaml "$folder/work"
cd "$folder/work"

train() { # with the plug-in that has just been compiled
    "$to/bin/rlrun" "$1.yaml" "plugins.0=$1.so" collector.total_frames=300 collector.init_random_frames=100 \
        eval.every=300 eval.episodes=1 --overwrite --out "$folder/run" >"$folder/log" 2>&1 ||
        { cat "$folder/log"; fail "$1.yaml does not train ($2)"; }
}

try() { # language, compiler and its flags
    language=$1
    shift
    for recipe in *.yaml; do
        name=${recipe%.yaml}
        "$@" -Wall -Wextra -Werror -shared -fPIC "$name.c" $(pkg-config --cflags rlc) -o "$name.so"
        train "$name" "$language"
        rm "$name.so"
    done
    for text in "$source"/tests/examples/*.txt; do
        name=$(basename "$text" .txt)
        "$@" -Wall -Wextra -Werror "$name.c" $(pkg-config --cflags --libs rlc) -o "$name"
        "./$name" | diff "$text" - || fail "$name says something else ($language)"
        rm "$name"
    done
    echo "installed: plug-ins and programs work as $language"
}

try C11 "$cc" -std=c11
if command -v g++ >/dev/null; then
    try C++17 g++ -std=c++17 -Wno-missing-field-initializers -x c++
else
    echo "no g++ here: not tried as C++17"
fi

# pictures, and what is said where the part that draws them is not installed
cd "$folder/work"
"$to/bin/rlrun" "$source/recipes/dqn.yaml" collector.total_frames=300 collector.init_random_frames=100 eval.every=300 \
    eval.episodes=1 --overwrite --out "$folder/run" >"$folder/log" 2>&1 || { cat "$folder/log"; fail "dqn.yaml does not train"; }
"$to/bin/rlrun" play "$folder/run" --gif film.gif >"$folder/log" 2>&1 || { cat "$folder/log"; fail "rlrun play fails"; }
rm "$to/lib/rlc_draw.so"
"$to/bin/rlrun" play "$folder/run" --png pictures >"$folder/log" 2>&1 && fail "pictures without rlc_draw.so"
grep -q "pictures are not available: .*rlc_draw.so; .make. builds it" "$folder/log" ||
    { cat "$folder/log"; fail "a missing rlc_draw.so is not named"; }
echo "installed: pictures"
