#!/bin/sh
# Puts what runs on a GPU machine without root into one folder: kernels/cuda/bundle.sh BUILD FOLDER TESTS
#
# The folder looks like the repository, so rlrun and the tests find each other, recipes and golden files; run them from
# there: ./rlrun recipes/dqn.yaml --device cuda, ./check, bench/cuda.sh. The libraries they need lie beside librlc.so, but for those that
# every Linux has and CUDA's, which the machine brings.
set -e
build=$1
to=$2
rm -rf "$to"
mkdir -p "$to/build/tests" "$to/build/examples" "$to/tests/golden" "$to/examples" "$to/bench"
cp "$build/portable/rlrun" "$to/"
cp "$build/portable/librlc.so" "$build/rlc_draw.so" "$build/rlc_cuda.so" "$build/rlc_cuda-host.so" "$to/build/"
for test in $3; do cp "$build/portable/$test" "$to/build/tests/"; done
cp -r recipes "$to/"
rm -f "$to"/recipes/*.c "$to"/recipes/*.h
cp -r tests/shapes "$to/tests/"
for golden in tests/golden/*.safetensors; do # those that these tests name, and those named after one
    name=${golden##*/}
    for test in $3; do
        case $name in ${test#test_}*) cp "$golden" "$to/tests/golden/" ;; esac
        if grep -q "\"${name%.safetensors}\"\|$name" "tests/$test.c" tests/*.h; then cp "$golden" "$to/tests/golden/"; fi
    done
done
cp bench/cuda.sh bench/cuda_peer.py bench/dqn_updates.yaml bench/ppo_cartpole_4096.yaml "$to/bench/"
cp examples/point_mass.yaml "$to/examples/" # test_device_runs trains with a plug-in
cp "$build/examples/point_mass.so" "$to/build/examples/"

ldd "$to/rlrun" "$to"/build/*.so "$to/build/tests/test_ops" |
    sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u | while read -r library; do
    case ${library##*/} in
    libc.so* | libm.so* | libdl.so* | libpthread.so* | librt.so* | ld-linux* | libcu* | librlc.so) continue ;;
    esac
    cp -L "$library" "$to/build/"
done
find "$to/build" -name '*.so*' -exec strip --strip-debug {} + 2>/dev/null || true
strip --strip-debug "$to"/build/tests/* "$to/rlrun"

cat >"$to/check" <<'END'
#!/bin/sh
# The parity suite on this machine's GPU, and the tests that hold on every device: all of them, whatever fails, and in the end
# which did. SANITIZER='compute-sanitizer --error-exitcode 9 --tool racecheck' ./check test_parity runs those that are named
# under it.
cd "$(dirname "$0")"
export RLC_PARITY_DEVICE=${DEVICE:-cuda} RLC_TEST_DEVICE=${DEVICE:-cuda} RLC_CUDA_SYNC=1
failed=
for test in ${@:-TESTS}; do $SANITIZER build/tests/$test || failed="$failed $test"; done
if [ -n "$failed" ]; then echo "failed:$failed"; exit 1; fi
END
sed -i "s/:-TESTS}/:-$3}/" "$to/check"
chmod +x "$to/check"
du -sm --apparent-size "$to" | awk '{ print $1 " MB in " $2; exit $1 >= 60 }'
