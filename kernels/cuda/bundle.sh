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
mkdir -p "$to/build/tests" "$to/build/examples" "$to/tests" "$to/examples" "$to/bench"
cp rlrun "$to/"
cp "$build/librlc.so" "$build/rlc_draw.so" "$build/rlc_cuda.so" "$build/rlc_cuda-host.so" "$to/build/"
for test in $3; do cp "$build/tests/$test" "$to/build/tests/"; done
cp -r recipes "$to/"
rm -f "$to"/recipes/*.c "$to"/recipes/*.h
cp -r tests/golden tests/shapes "$to/tests/"
cp bench/cuda.sh bench/cuda_peer.py bench/dqn_updates.yaml bench/ppo_cartpole_4096.yaml "$to/bench/"
cp examples/point_mass.yaml "$to/examples/" # test_device_runs trains with a plug-in
cp "$build/examples/point_mass.so" "$to/build/examples/"
# what environments are compared with is large, and test_parity_step compares them with the CPU's
for name in cartpole acrobot mountain_car mountain_car_continuous pendulum; do rm -f "$to/tests/golden/$name.safetensors"; done
rm -f "$to"/tests/golden/*.py

ldd "$to/rlrun" "$to/build/librlc.so" "$to/build/rlc_draw.so" "$to/build/rlc_cuda.so" "$to/build/tests/test_ops" |
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
# The parity suite on this machine's GPU, and the tests that hold on every device.
cd "$(dirname "$0")"
export RLC_PARITY_DEVICE=${DEVICE:-cuda} RLC_TEST_DEVICE=${DEVICE:-cuda} RLC_CUDA_SYNC=1
for test in TESTS; do build/tests/$test || exit 1; done
END
sed -i "s/ in TESTS;/ in $3;/" "$to/check"
chmod +x "$to/check"
du -sh "$to"
