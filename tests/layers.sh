#!/bin/sh
# Who may include whom; data flows one way through the layers. Prints what breaks that and fails.
allowed() {
    case $1 in
    core) echo core ;;
    kernels) echo core kernels ;;
    tensordict) echo core tensordict ;;
    modules) echo core tensordict modules ;;
    envs) echo core tensordict envs ;;
    objectives) echo core tensordict modules objectives ;;
    collectors) echo core tensordict modules envs collectors ;;
    recipes) echo core tensordict modules envs objectives collectors recipes ;;
    esac
}
status=0
for layer in core kernels tensordict modules envs objectives collectors recipes; do
    may=$(allowed $layer | tr ' ' '|')
    # kernels also see the step functions of environments and the board of games, which are leaves
    leaf=$([ $layer = kernels ] && echo '|envs/(board|[a-z_]*_step)\.h' || true)
    if grep -rnE '^#include "' "$layer" | grep -vE "#include \"(($may)/[^\"]*$leaf)\""; then
        echo "layers: $layer may include $may only" >&2
        status=1
    fi
done
exit $status
