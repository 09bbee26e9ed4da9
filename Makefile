# rlc: builds librlc.so, rlrun and the tests.
#
#   make demo       installs what is missing, builds, trains recipes/dqn.yaml on the CPU
#   make check      the same, then all tests; SAN=address,undefined with sanitizers; CC=clang with clang; DEVICE=cuda on a GPU
#   make            ./rlrun and build/librlc.so          make bench    speed, each figure beside a floor or a peer
#   make deps       installs what is missing, with apt   make results  the learning runs behind docs/results.md
#   make layers     who may include whom                 make oracle   what needs Python: PYTHON=/path/to/venv/bin/python
#   make docs       docs/recipe-reference.md, docs/c-api.md from option tables and headers; docs-check compares them
#   make install    to PREFIX (/usr/local)               make clean    V=1 shows what is run
#   make cuda       build/rlc_cuda.so, by nvcc           make bundle   build/bundle, to copy to a machine with a GPU:
#                                                        ./check tests there, bench/cuda.sh measures

comma := ,
CC = gcc
MACHINE := $(shell uname -m)
O = build$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(filter clang,$(CC)),-clang)
RLRUN = $(if $(filter build,$O),./rlrun,$O/rlrun)

# GCC 11 alone takes some designated initialisers for positional ones.
GCC_11 := $(filter 11,$(firstword $(subst ., ,$(shell $(CC) -dumpversion))))
WARNINGS = -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes $(if $(CI),-Werror) \
           $(if $(GCC_11),-Wno-missing-field-initializers) \
           $(if $(filter clang,$(CC)),-Wno-pass-failed) # loops over double call libm, which clang does not vectorise
# What the numbers rest on: no fused multiply-add, so that every instruction set and compiler rounds alike.
NUMBERS = -ffp-contract=off -fno-math-errno -fno-trapping-math
# Nodes, tensors and shapes are cleared and copied by plain moves: for some 100 bytes GCC takes `rep stos`, which costs a third of
# what recording a layer does.
MOVES = vector_loop:512:noalign$(comma)libcall:-1:noalign
STRUCTS = $(if $(filter x86_64,$(MACHINE)),$(if $(filter clang,$(CC)),,-mmemset-strategy=$(MOVES) -mmemcpy-strategy=$(MOVES)))
SANITIZE = $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
CFLAGS = -O3 -g
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -I. $(CFLAGS) $(NUMBERS) $(WARNINGS) $(SANITIZE) $(STRUCTS) \
             $(if $(filter v3 v4,$(ISAS)),-DRLC_WIDE) -fPIC -fno-semantic-interposition -MMD -MP
LDLIBS = -ldnnl -lgomp -lyaml -lcjson -ldl -lm -lpthread

# Each file of loops is compiled once for every instruction set and chosen at start (kernels/cpu/isa.h).
LOOPS = elementwise copy reduce rows norm scan resample index linear gemm conv pool update random priority env
ISAS = $(if $(filter x86_64,$(MACHINE)),v2 v3 v4,v2)
ISA_FLAGS_v2 = $(if $(filter x86_64,$(MACHINE)),-march=x86-64-v2) -DRLC_BASE
ISA_FLAGS_v3 = -march=x86-64-v3
ISA_FLAGS_v4 = -march=x86-64-v4 -mprefer-vector-width=512

LAYERS = core tensordict modules envs collectors objectives recipes
COMMAND = $(wildcard recipes/rlrun*.c)
SOURCES = $(filter-out $(COMMAND),$(wildcard $(LAYERS:%=%/*.c))) kernels/cpu/device.c kernels/cpu/onednn.c kernels/cpu/walk.c
OBJECTS = $(SOURCES:%.c=$O/%.o) $(foreach isa,$(ISAS),$(LOOPS:%=$O/kernels/cpu/%.$(isa).o))
HEADERS = $(filter-out recipes/rlrun.h,$(wildcard $(LAYERS:%=%/*.h))) core/ops.def kernels/cpu/env_loop.h

NVCC := $(shell command -v nvcc 2>/dev/null)

# A line for each file; V=1 shows the commands.
SAY = $(if $(V),,@echo '  $@' && )
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif

all: $(RLRUN) $O/rlc_draw.so $(if $(NVCC),$(if $(SAN),,cuda))

$(RLRUN): $(COMMAND:%.c=$O/%.o) $O/librlc.so
	$(SAY)$(CC) $(SANITIZE) -o $@ $(filter %.o,$^) -L$O -lrlc $(LDLIBS) -Wl,-rpath,'$$ORIGIN$(if $(filter build,$O),/build)'

$O/librlc.so: $(OBJECTS)
	$(SAY)$(CC) -shared -Wl,-Bsymbolic-functions -Wl,-rpath,'$$ORIGIN' $(SANITIZE) -o $@ $^ $(LDLIBS)

# What draws, opened at run time too: nobody waits for Cairo's libraries to be loaded who wants no picture.
DRAWN = $(wildcard envs/draw/*.c)
$O/rlc_draw.so: $(DRAWN:%.c=$O/%.o) $O/librlc.so
	$(SAY)$(CC) -shared $(SANITIZE) -o $@ $(filter %.o,$^) -L$O -lrlc -lcairo -lgif -lm -Wl,-rpath,'$$ORIGIN'

$O/%.o: %.c
	@mkdir -p $(@D)
	$(SAY)$(CC) $(ALL_CFLAGS) -c -o $@ $<

define ISA_RULE
$O/kernels/cpu/%.$(1).o: kernels/cpu/%.c
	@mkdir -p $$(@D)
	$$(SAY)$$(CC) $$(ALL_CFLAGS) -DRLC_ISA=$(1) $$(ISA_FLAGS_$(1)) -c -o $$@ $$<
endef
$(foreach isa,$(ISAS),$(eval $(call ISA_RULE,$(isa))))

# Matrix products may differ between instruction sets, so they may fuse.
$O/kernels/cpu/gemm.%.o $O/kernels/cpu/conv.%.o: NUMBERS += -ffp-contract=fast

# The CUDA backend: opened at run time, so nothing else needs it. Built where nvcc is found, but for `make NVCC=`; CUDA_ARCH
# names chips, as nvcc does; the last one's code is kept for chips to come, too.
CUDA_ARCH = 80 90
CUDA_SOURCES = $(wildcard kernels/cuda/*.cu)
SMALL := $(if $(NVCC),$(if $(shell $(NVCC) --help | grep compress-mode),--compress-mode=size))
NVCC_FLAGS = -std=c++17 $(SMALL) -O3 -fmad=false -I. -Xcompiler -fPIC$(comma)-Wall -MMD -MP $(if $(CI),-Werror all-warnings) \
             $(foreach a,$(CUDA_ARCH),-gencode arch=compute_$(a)$(comma)code=sm_$(a)) \
             -gencode arch=compute_$(lastword $(CUDA_ARCH))$(comma)code=compute_$(lastword $(CUDA_ARCH))
cuda: $O/rlc_cuda.so

$O/kernels/cuda/%.cuda.o: kernels/cuda/%.cu
	@mkdir -p $(@D)
	$(SAY)$(NVCC) $(NVCC_FLAGS) -MF $(@:.o=.d) -c -o $@ $<

$O/rlc_cuda.so: $(CUDA_SOURCES:%.cu=$O/%.cuda.o) $O/librlc.so
	$(SAY)$(NVCC) -shared -o $@ $(filter %.o,$^) -L$O -lrlc -lcublasLt -Xlinker -rpath,'$$ORIGIN:/usr/local/cuda/lib64'

# The same kernels on the host, for tests: kernels/cuda/host/emulation.h.
CXX = $(if $(filter clang,$(CC)),clang++,g++)
HOST_CUDA = $(CUDA_SOURCES:%.cu=$O/%.host.o) $(patsubst %.cpp,$O/%.o,$(filter-out %/checks.cpp,$(wildcard kernels/cuda/host/*.cpp)))
CXX_FLAGS = -x c++ -std=c++17 -D_GNU_SOURCE -I. $(CFLAGS) $(NUMBERS) $(filter-out %-prototypes,$(WARNINGS)) $(SANITIZE) -fPIC \
            -MMD -MP

$O/kernels/cuda/%.host.o: kernels/cuda/%.cu
	@mkdir -p $(@D)
	$(SAY)$(CXX) $(CXX_FLAGS) -c -o $@ $<

$O/kernels/cuda/host/%.o: kernels/cuda/host/%.cpp
	@mkdir -p $(@D)
	$(SAY)$(CXX) $(CXX_FLAGS) -c -o $@ $<

$O/rlc_cuda-host.so: $(HOST_CUDA) $O/librlc.so
	$(SAY)$(CXX) -shared $(SANITIZE) -o $@ $(filter %.o,$^) -L$O -lrlc -Wl,-rpath,'$$ORIGIN'

# And once more with each access of a kernel to memory looked at (kernels/cuda/host/checks.h), beside a librlc of its own: a program
# that finds that one first (LD_LIBRARY_PATH) finds these kernels.
CHECKED = $(if $(SAN)$(filter clang,$(CC)),,$O/checked/rlc_cuda-host.so $O/checked/librlc.so $O/checked/wrong_kernels.so)
CHECKED_FLAGS = -DRLC_CHECKED -O2 -fno-tree-vectorize
HOST_RUNTIME = $(patsubst %.cpp,$O/%.checked.o,$(wildcard kernels/cuda/host/*.cpp))

$O/%.checked.o: %.cu
	@mkdir -p $(@D)
	$(SAY)$(CXX) $(CXX_FLAGS) $(CHECKED_FLAGS) -fsanitize=thread -c -o $@ $<

$O/%.checked.o: %.cpp
	@mkdir -p $(@D)
	$(SAY)$(CXX) $(CXX_FLAGS) $(CHECKED_FLAGS) -c -o $@ $<

$O/checked/rlc_cuda-host.so: $(CUDA_SOURCES:%.cu=$O/%.checked.o) $(HOST_RUNTIME) $O/checked/librlc.so
	$(SAY)$(CXX) -shared -Wl,-Bsymbolic$(comma)-z$(comma)defs -o $@ $(filter %.o,$^) -L$O -lrlc -Wl,-rpath,'$$ORIGIN'

$O/checked/wrong_kernels.so: $O/tests/wrong_kernels.checked.o $(HOST_RUNTIME)
	@mkdir -p $(@D)
	$(SAY)$(CXX) -shared -Wl,-Bsymbolic$(comma)-z$(comma)defs -o $@ $^

$O/checked/librlc.so: $O/librlc.so
	@mkdir -p $(@D)
	$(SAY)cp $< $@

# Tests. Counting allocations and a sanitizer both replace malloc, so one of them is without the other.
TESTS = $(filter-out $(if $(SAN),test_steady test_torture) $(if $(CHECKED),,test_kernel_checks),$(patsubst tests/%.c,%,$(wildcard tests/test_*.c)))

# where they find the command
$O/tests/%.o: ALL_CFLAGS += -DTEST_RLRUN='"$(RLRUN)"' -DTEST_CC='"$(CC)"' \
    -DTEST_EXAMPLES='"$O/examples"' -DTEST_WRONG_KERNELS='"$O/checked/wrong_kernels.so"'

# which look at pictures
$O/tests/test_render $O/tests/test_play $O/tests/test_pictures: LDLIBS += -lcairo -lgif

$O/tests/test_%: $O/tests/test_%.o $O/tests/support.o $O/librlc.so
	$(SAY)$(CC) $(SANITIZE) -o $@ $(filter %.o,$^) -L$O -lrlc -lcmocka $(LDLIBS) -Wl,-rpath,'$$ORIGIN/..'

# The examples, as their users would compile them but for where the headers are: those with a recipe beside them are
# plug-ins that it names, the others are programs.
PLUGINS = $(basename $(notdir $(wildcard examples/*.yaml)))
PROGRAMS = $(filter-out $(PLUGINS),$(basename $(notdir $(wildcard examples/*.c))))
examples: $(PLUGINS:%=$O/examples/%.so) $(PROGRAMS:%=$O/examples/%)

$O/examples/%.so: examples/%.c $O/librlc.so $(HEADERS) recipes/rlc.h
	@mkdir -p $(@D)
	$(SAY)$(CC) -shared -fPIC -Wall -Wextra $(SANITIZE) -I. -Irecipes -o $@ $< -L$O -lrlc

$O/examples/%: examples/%.c examples/show.h $O/librlc.so $(HEADERS) recipes/rlc.h
	@mkdir -p $(@D)
	$(SAY)$(CC) -Wall -Wextra $(SANITIZE) -I. -Irecipes -o $@ $< -L$O -lrlc -Wl,-rpath,'$$ORIGIN/..'

tests: examples $(RLRUN) $O/rlc_draw.so $O/rlc_cuda-host.so $(CHECKED) $(TESTS:%=$O/tests/%)

# Tests that hold on every device, which `make check` runs on cuda-host as well, and `make check DEVICE=cuda` on a GPU. The
# others look into the host's memory, or bring kernels of their own; `test_parity` and its kin compare devices.
ON_DEVICE = ops ops_more conv gradients autograd random update optim optimizers modules state_dict layers recurrent distributions \
            normal_params policy losses gan dqn dqn_networks conv_net distributional quantile values estimators prioritized \
            multi_step buffer collect exploration classic_control games images $(if $(DEVICE),env env_state)
DEVICE_TESTS = $(ON_DEVICE:%=test_%)
PARITY_TESTS = $(filter test_parity%,$(TESTS))

# A folder to copy to a machine with a GPU, under 60 MB: without oneDNN, which has most of that. Its programs look for libraries
# beside librlc also on behalf of other libraries (DT_RPATH).
BUNDLED = $(PARITY_TESTS) $(filter test_device%,$(TESTS)) $(filter-out test_classic_control,$(DEVICE_TESTS))
PORTABLE_LIBS = $(filter-out -ldnnl -lgomp,$(LDLIBS))
PORTABLE = -L$O/portable -lrlc -Wl,--disable-new-dtags
bundle: cuda tests $O/rlc_draw.so $O/portable/rlrun $(BUNDLED:%=$O/portable/%)
	kernels/cuda/bundle.sh $O $O/bundle '$(BUNDLED)'

$O/portable/librlc.so: $(filter-out %/onednn.o,$(OBJECTS)) $O/kernels/cpu/no_onednn.o
	@mkdir -p $(@D)
	$(SAY)$(CC) -shared -Wl,-Bsymbolic-functions -o $@ $^ $(PORTABLE_LIBS)

$O/portable/rlrun: $(COMMAND:%.c=$O/%.o) $O/portable/librlc.so
	$(SAY)$(CC) -o $@ $(filter %.o,$^) $(PORTABLE) $(PORTABLE_LIBS) -Wl,-rpath,'$$ORIGIN/build'

$O/portable/test_%: $O/tests/test_%.o $O/tests/support.o $O/portable/librlc.so
	$(SAY)$(CC) -o $@ $(filter %.o,$^) $(PORTABLE) -lcmocka $(PORTABLE_LIBS) -Wl,-rpath,'$$ORIGIN/..'

# make again: what deps installs must be there before anything is compiled
check: deps
	@$(MAKE) --no-print-directory run-tests

# The emulated device at its least forgiving: kernels/cuda/host/emulation.h.
HARSH = env -u RLC_CUDA_SYNC RLC_CUDA_HOST=descending,guard,late,plain,reaches$(if $(CHECKED),$(comma)checked LD_LIBRARY_PATH=$O/checked)

# With sanitizers what compares devices must do: all that runs on one once more takes minutes.
run-tests: layers tests
	@export RLC_PARITY_DEVICE=$(DEVICE) RLC_CUDA_SYNC=1; \
	tests/run.sh $O/tests $(TESTS) || exit 1; \
	$(if $(DEVICE),,$(HARSH) tests/run.sh $O/tests $(PARITY_TESTS) || exit 1;) \
	export RLC_TEST_DEVICE=$(or $(DEVICE),cuda-host); \
	$(if $(SAN),true,tests/run.sh $O/tests $(DEVICE_TESTS))

demo: deps
	@$(MAKE) --no-print-directory $(RLRUN)
	$(RLRUN) recipes/dqn.yaml --overwrite

# What the compiler is told, and what the linker finds: Debian's and Ubuntu's names.
PACKAGES = gcc make libc6-dev libdnnl-dev libyaml-dev uthash-dev librandom123-dev libcjson-dev libcairo2-dev libgif-dev libcmocka-dev
# g++ compiles kernels/cuda for the tests, nothing else.
WANTED = $(PACKAGES) $(if $(filter check,$(MAKECMDGOALS)),g++) $(if $(filter clang,$(CC)),clang)
deps:
	@missing=$$(for p in $(WANTED); do \
	    dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then \
	    echo "there is no apt-get here; if the build fails, install what Debian calls" $(WANTED); exit 0; fi; \
	echo "installing" $$missing; \
	as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	$$as_root apt-get update -qq && \
	$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing

# Every allocation fails once, instead of one in many as in make check.
torture: tests
	RLC_TORTURE=1 $O/tests/test_torture

# Fuzzing: each target of tests/fuzz for so many seconds. What it finds is left in build-fuzz/found and belongs, once it is
# mended, in tests/fuzz/corpus, which test_corpus goes through.
FUZZ_SECONDS = 60
FUZZERS = $(patsubst tests/fuzz/%.c,$O/fuzz/%,$(wildcard tests/fuzz/*.c))
fuzz:
	@$(MAKE) --no-print-directory O=build-fuzz CC=clang SAN=address,undefined,fuzzer-no-link CFLAGS='-O1 -g -Wno-pass-failed' \
	    ISAS=v2 run-fuzz

run-fuzz: $(FUZZERS)
	@mkdir -p $(FUZZERS:$O/fuzz/%=$O/found/%)
	@printf '%s\n' $(FUZZERS:$O/fuzz/%=%) | xargs -P $$(nproc) -I{} env ASAN_OPTIONS=allocator_may_return_null=1 $O/fuzz/{} \
	    -max_total_time=$(FUZZ_SECONDS) -timeout=20 -print_final_stats=1 -max_len=4096 -artifact_prefix=$O/found/{}- \
	    $O/found/{} tests/fuzz/corpus/{}

$O/fuzz/%: $O/tests/fuzz/%.o $(OBJECTS)
	@mkdir -p $(@D)
	$(SAY)$(CC) -fsanitize=fuzzer,address,undefined -o $@ $^ $(LDLIBS)

layers:
	@tests/layers.sh

# Speed: each figure beside a floor or a peer in the same run.
BENCHES = $(patsubst bench/%.c,$O/bench/%,$(wildcard bench/*.c))
$O/bench/%: $O/bench/%.o $O/librlc.so
	$(SAY)$(CC) $(SANITIZE) -o $@ $< -L$O -lrlc $(LDLIBS) -Wl,-rpath,'$$ORIGIN/..'

bench: all $(BENCHES)
	@for b in $(BENCHES); do $$b || exit 1; done; bench/startup.sh

results: all
	@bench/results.sh

# What is made from the sources is committed, and compared with them in CI.
docs: $(RLRUN)
	$(RLRUN) list --markdown > docs/recipe-reference.md
	docs/c-api.sh > docs/c-api.md

docs-check: $(RLRUN)
	@$(RLRUN) list --markdown | diff -u docs/recipe-reference.md - && docs/c-api.sh | diff -u docs/c-api.md - || \
	    { echo "docs/ is not what the sources give: run \`make docs\` and commit" >&2; exit 1; }
	@for name in $$(grep -ohE 'rlc_[a-z0-9_]+' docs/coming-from-torchrl.md | sort -u); do \
	    grep -qE "\\b$$name\\b" docs/c-api.md || { echo "docs/coming-from-torchrl.md: there is no $$name" >&2; exit 1; }; done

PYTHON = python3
$O/tests/oracle/%: $O/tests/oracle/%.o $O/librlc.so
	$(SAY)$(CC) -o $@ $< -L$O -lrlc $(LDLIBS) -Wl,-rpath,'$$ORIGIN/../..'

oracle: all $(patsubst %.c,$O/%,$(wildcard tests/oracle/*.c))
	tests/oracle/run.sh $(PYTHON)

# Headers keep their folders: a plug-in compiles with `pkg-config --cflags rlc` and includes <rlc.h>. Where PREFIX/lib is
# one of the linker's folders, ldconfig makes the library known; tests/install.sh tries all of it.
PREFIX = /usr/local
TO = $(DESTDIR)$(PREFIX)
VERSION := $(shell sed -n 's/^\#define RLC_VERSION "\(.*\)"/\1/p' core/base.h)
define PKG_CONFIG
prefix=$(PREFIX)
libdir=$${prefix}/lib
includedir=$${prefix}/include/rlc

Name: rlc
Description: modular reinforcement learning in C
Version: $(VERSION)
Cflags: -I$${includedir}
Libs: -L$${libdir} -lrlc
Libs.private: $(LDLIBS)
endef
export PKG_CONFIG

install: all
	install -d $(TO)/bin $(TO)/lib/pkgconfig $(TO)/include/rlc
	install -m 755 $O/librlc.so $O/rlc_draw.so $(if $(NVCC),$O/rlc_cuda.so) $(TO)/lib/
	$(CC) $(SANITIZE) -o $(TO)/bin/rlrun $(COMMAND:%.c=$O/%.o) -L$O -lrlc $(LDLIBS) -Wl,-rpath,'$$ORIGIN/../lib'
	for h in $(HEADERS); do install -D -m 644 $$h $(TO)/include/rlc/$$h || exit 1; done
	install -m 644 recipes/rlc.h $(TO)/include/rlc/rlc.h
	printenv PKG_CONFIG > $(TO)/lib/pkgconfig/rlc.pc

clean:
	rm -rf build build-* rlrun

-include $(shell find $O -name '*.d' 2>/dev/null)
.PHONY: all cuda bundle examples tests check run-tests torture fuzz run-fuzz demo deps layers bench results docs docs-check oracle \
    install clean
.SECONDARY:
