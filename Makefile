# rlc: builds librlc.so, rlrun and the tests.
#
#   make            ./rlrun, build/librlc.so
#   make demo       installs what is missing, builds, trains recipes/dqn.yaml
#   make check      the same, then all tests; SAN=address,undefined with sanitizers; CC=clang with clang
#   make bench      speed beside its floors and peers        make results   the learning runs behind docs/results.md
#   make layers     who may include whom                     make deps      installs what is missing, with apt

CC = gcc
O = build$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(filter clang,$(CC)),-clang)
comma := ,

WARNINGS = -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes $(if $(CI),-Werror)
# The numbers rest on these: no fused multiply-add, so that every instruction set and compiler rounds alike.
NUMBERS = -ffp-contract=off -fno-math-errno -fno-trapping-math
SANITIZE = $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
CFLAGS = -O3 -g
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -I. $(CFLAGS) $(NUMBERS) $(WARNINGS) $(SANITIZE) -fPIC -fno-semantic-interposition -MMD -MP
LDLIBS = -ldnnl -lgomp -lyaml -lcjson -ldl -lm -lpthread

# Each file of loops is compiled once for every instruction set and chosen at start (kernels/cpu/isa.h).
LOOPS = elementwise copy reduce index linear gemm update random env
ISAS = $(if $(filter x86_64,$(shell uname -m)),v2 v3 v4,v2)
ISA_FLAGS_v2 = $(if $(filter x86_64,$(shell uname -m)),-march=x86-64-v2) -DRLC_BASE
ISA_FLAGS_v3 = -march=x86-64-v3
ISA_FLAGS_v4 = -march=x86-64-v4 -mprefer-vector-width=512

SOURCES = $(wildcard core/*.c tensordict/*.c modules/*.c envs/*.c collectors/*.c objectives/*.c) \
          $(filter-out recipes/rlrun%.c,$(wildcard recipes/*.c)) kernels/cpu/device.c kernels/cpu/onednn.c kernels/cpu/walk.c
OBJECTS = $(SOURCES:%.c=$O/%.o) $(foreach isa,$(ISAS),$(LOOPS:%=$O/kernels/cpu/%.$(isa).o))
TESTS = $(patsubst tests/%.c,%,$(wildcard tests/test_*.c))

# rlrun of the plain build stands at the root of the repository
RLRUN = $(if $(filter build,$O),rlrun,$O/rlrun)

all: $O/librlc.so $(if $(wildcard recipes/rlrun.c),$(RLRUN))

$(RLRUN): $(patsubst recipes/%.c,$O/recipes/%.o,$(wildcard recipes/rlrun*.c)) $O/librlc.so
	$(CC) $(SANITIZE) -o $@ $(filter %.o,$^) -L$O -lrlc $(LDLIBS) -Wl,-rpath,'$$ORIGIN$(if $(filter build,$O),/build)'

$O/librlc.so: $(OBJECTS)
	$(CC) -shared -Wl,-Bsymbolic-functions $(SANITIZE) -o $@ $^ $(LDLIBS)

$O/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

define ISA_RULE
$O/kernels/cpu/%.$(1).o: kernels/cpu/%.c
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_CFLAGS) -DRLC_ISA=$(1) $$(ISA_FLAGS_$(1)) -c -o $$@ $$<
endef
$(foreach isa,$(ISAS),$(eval $(call ISA_RULE,$(isa))))

# Matrix products may differ between instruction sets, so they may fuse.
$O/kernels/cpu/gemm.%.o: NUMBERS += -ffp-contract=fast

$O/tests/test_%: $O/tests/test_%.o $O/tests/support.o $O/librlc.so
	$(CC) $(SANITIZE) -o $@ $(filter %.o,$^) -L$O -lrlc -lcmocka $(LDLIBS) -Wl,-rpath,'$$ORIGIN/..'

# a plug-in with stand-ins for the classes that the recipes in tests/shapes name
$O/tests/shapes.so: $(patsubst tests/shapes/%.c,$O/tests/shapes/%.o,$(wildcard tests/shapes/*.c)) $O/librlc.so
	$(CC) -shared $(SANITIZE) -o $@ $(filter %.o,$^) -L$O -lrlc

tests: $(TESTS:%=$O/tests/%) $(if $(wildcard tests/shapes),$O/tests/shapes.so)

check: tests
	@for t in $(TESTS); do $O/tests/$$t || exit 1; done

# speed: each figure beside a floor or a peer in the same run
BENCHES = $(patsubst bench/%.c,$O/bench/%,$(wildcard bench/*.c))
$O/bench/%: $O/bench/%.o $O/librlc.so
	$(CC) $(SANITIZE) -o $@ $< -L$O -lrlc $(LDLIBS) -Wl,-rpath,'$$ORIGIN/..'

bench: all $(BENCHES)
	@for b in $(BENCHES); do $$b || exit 1; done; bench/startup.sh

clean:
	rm -rf build build-* rlrun

-include $(shell find $O -name '*.d' 2>/dev/null)
.PHONY: all tests check bench clean
.SECONDARY:
