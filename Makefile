# SPDX-License-Identifier: MIT
#
# Doorbell's build. Every command a user types calls one launcher, tools/doorbell.py; this file only knows how to
# turn sources into objects (the launcher calls it back for that) and how to build the host's unit tests.
# `make help` lists the commands.

# --- Variables of the user: taken literally (no expansion of $ in a file name) and handed to the launcher ---------------
USER_VARS := APP ARGS FILE NIC NET MEM PCAP CMDLINE HOSTFWD TIMEOUT ACCEL MACHINE CPU T FULL SERIAL1 SEED SEEDS SECONDS RECORD REPLAY
$(foreach v,$(USER_VARS),$(if $(filter-out undefined,$(origin $(v))),$(eval override $(v) := $$(value $(v)))$(eval export $(v))))

ifeq ($(origin CC),default)
CC := gcc
endif
DEBUG ?= 0
export CC DEBUG

PYTHON := /usr/bin/python3
LAUNCH := @test -x $(PYTHON) || sh tools/get-python.sh || exit 1; exec $(PYTHON) tools/doorbell.py

TARGETS := all iso run debug test check deps doctor help walk trace bench sim fuzz coverage host claims goodput conformance
.PHONY: $(TARGETS) clean objects headers
.DEFAULT_GOAL := all
$(TARGETS):
	$(LAUNCH) $(@:all=build)

clean:
	rm -rf build

# --- Kernel objects -------------------------------------------------------------------------------------------------
# One directory per variant: gcc's is build/obj, clang's build/clang/obj. A debug build has its own for its images and
# for the one object that is another: the allocator is all that asks for DEBUG.
COMPILER := $(subst gcc,,$(notdir $(CC)))
VARIANT := $(COMPILER)$(if $(filter 1,$(DEBUG)),debug)
P := build$(if $(COMPILER),/$(COMPILER))
B := build$(if $(VARIANT),/$(VARIANT))

C_DIRS := boot kernel kernel/lib kernel/posix kernel/x86 net net/* drivers/* drivers/net/e1000
C_SRC := $(sort $(foreach d,$(C_DIRS),$(wildcard $(d)/*.c)))
ASM_SRC := $(sort $(wildcard boot/*.asm kernel/x86/*.asm))
SLAB_OBJ := $(B)/obj/kernel/slab.c.o
OBJS := $(patsubst $(P)/obj/kernel/slab.c.o,$(SLAB_OBJ),$(C_SRC:%.c=$(P)/obj/%.c.o)) $(ASM_SRC:%.asm=$(P)/obj/%.asm.o)

WARN := -Wall -Wextra -Werror -Wmissing-prototypes -Wshadow -Wvla -Wimplicit-fallthrough -Wstrict-prototypes
# Same outside every build directory: no path of this machine gets into an object.
REPRO := "-ffile-prefix-map=$(CURDIR)=."
# No padding between functions and loops: the image is small, and boots anywhere.
DENSE := -falign-functions=4 -falign-loops=1 $(if $(filter gcc,$(notdir $(CC))),-falign-jumps=1 -falign-labels=1)
# clang checks the execution contexts on its way (include/lib/capability.h, tools/check_contexts.py).
CONTEXTS := $(if $(filter clang,$(notdir $(CC))),-Wthread-safety)
CFLAGS := -std=gnu11 -O2 -g $(DENSE) -ffreestanding -fno-pie -mno-red-zone -mgeneral-regs-only -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fno-omit-frame-pointer -fcf-protection=none -fno-strict-aliasing -fno-common \
	$(WARN) $(CONTEXTS) -Iinclude -Ikernel/x86/include
$(SLAB_OBJ): CFLAGS += -DSLAB_DEBUG=$(DEBUG)
# The protocols narrow integers only by an explicit cast.
CONVERSION := -Wconversion -Wno-sign-conversion
$(P)/obj/net/%.c.o: CFLAGS += $(CONVERSION)
# What runs once, or when somebody asks, is compiled small.
COLD := $(addprefix boot/,main multiboot options) drivers/pci/pci drivers/net/e1000/e1000_hw \
	$(addprefix kernel/,cmdline fault ksyms panic proc random trace lib/vsprintf vmalloc x86/backtrace x86/clock x86/idt x86/paging) \
	$(addprefix kernel/posix/,exec files mmap process settings tty) $(addprefix net/dhcp/,dhcp dhcp_message) net/init \
	$(addprefix net/core/,core_sysctl errqueue inetdevice stats sysctl) net/packet/af_packet \
	$(addprefix net/neigh/,acd arp neighbour) $(addprefix net/sched/,sch_api sch_netem sch_params sch_tbf) \
	$(addprefix net/ipv4/,fib icmp igmp igmp_report ip_cmsg ip_mcast ip_options ip_reassembly ip_sysctl) \
	$(addprefix net/ipv4/,nf_reject nf_tables nft_text ping raw) \
	net/socket/af_inet $(addprefix net/tcp/,tcp_bbr tcp_bbr_model tcp_fastopen tcp_mtup tcp_net tcp_newreno tcp_sockopt) \
	$(addprefix net/tcp/,tcp_syncookies tcp_sysctl tcp_timer tcp_timewait tcp_tlp tcp_undo tcp_urg)
$(COLD:%=$(P)/obj/%.c.o): CFLAGS += -Os

objects: $(OBJS)
	@printf '%s\n' $(OBJS) >$(B)/objects.new
	@cmp -s $(B)/objects.new $(B)/objects || cp $(B)/objects.new $(B)/objects

define compile
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(CFLAGS) $(REPRO) -MMD -MP -c $< -o $@
endef
$(P)/obj/%.c.o: %.c Makefile
	$(compile)
$(B)/obj/kernel/slab.c.o: kernel/slab.c Makefile
	$(compile)

$(P)/obj/%.asm.o: %.asm Makefile
	@mkdir -p $(@D)
	@echo "  NASM    $<"
	@nasm -f elf64 -w+all -Werror -MD $(@:.o=.d) -MP $< -o $@

# --- Everything above kernel/x86 for the host -----------------------------------------------------------------------------
# The plinth is chosen by the include path. tests/host/slab_host.c stands in for kernel/slab.c, so that the address
# sanitizer sees every object; rename.h keeps our mem*/str* apart from the C library's.
#
# FLAVOUR: one way of compiling all of it, each in a folder of its own below build/host.
#   asan     unit tests, simulator, torture, libdoorbell.so: address and undefined-behaviour sanitizers
#   lib      libdoorbell.so: optimised, position independent, only what is marked visible is exported
#   fuzz     clang with libFuzzer's instrumentation and the sanitizers
#   cov      counts every branch taken (gcov)
#   race     every memory access of net/ calls tests/race/race.c
FLAVOUR ?= asan
H := build/host/$(FLAVOUR)
HOST_SKIP := kernel/trap.c kernel/slab.c
HOST_SRC := $(filter-out boot/main.c boot/multiboot.c kernel/x86/% $(HOST_SKIP),$(C_SRC)) $(sort $(wildcard tests/host/*.c))
HOST_OBJS := $(HOST_SRC:%.c=$(H)/obj/%.o)
UNIT_SRC := $(sort $(wildcard tests/unit/*_test.c tests/unit/*/*_test.c tests/unit/*/*/*_test.c))
UNIT_BINS := $(UNIT_SRC:tests/unit/%.c=$(H)/unit/%)

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
SHARED := -fPIC -fvisibility=hidden
FLAVOUR_asan := -O1 $(SANITIZE) $(SHARED)
FLAVOUR_lib := -O2 $(SHARED)
FLAVOUR_fuzz := -O2 $(SANITIZE)
FLAVOUR_cov := -O0 --coverage -fPIC -DCOVERAGE
# Addresses that addr2line knows; only the compiler's half of its sanitizer.
FLAVOUR_race := -O1 -fno-pie -no-pie -Wl,--wrap=sk_alloc
HOST_FLAVOUR := $(or $(FLAVOUR_$(FLAVOUR)),$(error FLAVOUR=$(FLAVOUR): asan, lib, fuzz, cov or race))
HOST_CC := $(if $(filter fuzz,$(FLAVOUR)),clang,$(CC))
# Lines for the sanitizers' reports; with G=-g (and make clean before) also what a debugger asks for: that costs a quarter of
# the build and half of each link.
G := -g1
HOST_CFLAGS := -std=gnu11 $(G) -fno-omit-frame-pointer -fno-strict-aliasing -fno-common -fno-builtin $(WARN) \
	$(HOST_FLAVOUR) -DSLAB_DEBUG=1 -Itests/host -Itests/host/include -Iinclude
$(H)/obj/boot/% $(H)/obj/kernel/% $(H)/obj/net/% $(H)/obj/drivers/%: HOST_CFLAGS += -include tests/host/rename.h
$(H)/obj/net/%: HOST_CFLAGS += $(CONVERSION)
ifeq ($(FLAVOUR),race)
$(H)/obj/net/%: HOST_CFLAGS += -fsanitize=thread
RACE_OBJS := $(H)/obj/tests/race/race.o
endif
# The fuzzer is led by what reads bytes from outside. Counting the rest of the house, the plinth and the targets costs
# more than the parsers do; so do comparisons in loops over text and over tables.
ifeq ($(FLAVOUR),fuzz)
COVERED := $(H)/obj/boot/% $(H)/obj/net/% $(H)/obj/drivers/% $(H)/obj/kernel/cmdline.o $(H)/obj/kernel/uio.o
$(COVERED): HOST_CFLAGS += -fsanitize=fuzzer-no-link
LOOPS := $(patsubst %,$(H)/obj/%.o,kernel/cmdline net/neigh/neighbour net/core/inet_hashtables)
$(LOOPS): HOST_CFLAGS += -fno-sanitize-coverage=trace-cmp
$(H)/obj/tests/fuzz/fuzz_ipopt.o: HOST_CFLAGS += -fsanitize=fuzzer-no-link
endif
# Tests do what nobody should: they pass NULL for %s, free twice and free with the wrong function. Each is compiled once and
# runs for a moment: not optimised, that takes half of the time.
$(H)/obj/tests/unit/%: HOST_CFLAGS += -O0 -Wno-format-overflow \
	$(if $(filter gcc%,$(notdir $(HOST_CC))),-Wno-use-after-free -Wno-mismatched-dealloc -Wno-free-nonheap-object)

$(H)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  HOSTCC  $<"
	@$(HOST_CC) $(HOST_CFLAGS) $(REPRO) -MMD -MP -c $< -o $@

$(H)/libdoorbell-test.a: $(HOST_OBJS)
	@rm -f $@
	@ar rcs $@ $^

# A program out of its objects and the archive, by the fastest linker there is: more than a hundred such programs are linked.
FAST_LD := $(patsubst /usr/bin/ld.%,-fuse-ld=%,$(firstword $(wildcard /usr/bin/ld.lld /usr/bin/ld.gold)))
comma := ,
define host_link
	@mkdir -p $(@D)
	@echo "  HOSTLD  $@"
	@$(HOST_CC) $(HOST_FLAVOUR) $(FAST_LD) $(1) -o $@ $(filter %.o,$^) $(filter %.a,$^) -lm
endef

$(H)/unit/%: $(H)/obj/tests/unit/%.o $(H)/libdoorbell-test.a
	$(call host_link)
# The real allocator's own test: objects come before the archive, so the twin stays out.
$(H)/unit/kernel/slab_test: $(H)/obj/kernel/slab.o

# The whole house in one binary: nothing above the plinth needs the iron.
$(H)/whole: $(H)/libdoorbell-test.a
	@echo "  HOSTLD  $@"
	@echo 'int main(void) { return 0; }' | $(HOST_CC) $(HOST_FLAVOUR) $(FAST_LD) -o $@ -x c - -x none -Wl,--whole-archive $< -Wl,--no-whole-archive -lm

# The stack as a library for scripted tests (FLAVOUR=lib or asan): tests/host/ks.h says what it exports.
build/host/libdoorbell.so: build/host/lib/libdoorbell.so
	@cp $< $@
$(H)/libdoorbell.so: $(HOST_OBJS) tests/host/ks.map
	$(call host_link,-shared -Wl$(comma)-z$(comma)defs$(comma)-z$(comma)nodelete -Wl$(comma)--version-script=tests/host/ks.map)

# The simulator: tests/sim.
SIM_OBJS := $(patsubst %.c,$(H)/obj/%.o,$(sort $(wildcard tests/sim/*.c)))
$(H)/sim: $(SIM_OBJS) $(RACE_OBJS) $(H)/libdoorbell-test.a
	$(call host_link)

# The torture: tests/torture.
TORTURE_OBJS := $(patsubst %.c,$(H)/obj/%.o,$(sort $(wildcard tests/torture/*.c)))
$(H)/torture: $(TORTURE_OBJS) $(H)/libdoorbell-test.a
	$(call host_link)

# Fuzz targets: tests/fuzz/fuzz_*.c, one program each; the other files there are theirs in common.
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_BINS := $(FUZZ_SRC:tests/fuzz/%.c=$(H)/%)
FUZZ_COMMON := $(patsubst %.c,$(H)/obj/%.o,$(filter-out $(FUZZ_SRC),$(sort $(wildcard tests/fuzz/*.c))))
# Where coverage is counted, inputs that are known run through them instead (tests/fuzz/replay).
FUZZ_ENGINE := $(if $(filter cov,$(FLAVOUR)),$(H)/obj/tests/fuzz/replay/main.o)
$(FUZZ_BINS): $(H)/%: $(H)/obj/tests/fuzz/%.o $(FUZZ_COMMON) $(FUZZ_ENGINE) $(H)/libdoorbell-test.a
	$(call host_link,$(if $(FUZZ_ENGINE),,-fsanitize=fuzzer))

hostlink: $(H)/whole
unit: $(UNIT_BINS) hostlink
hostlib: $(H)/libdoorbell.so $(if $(filter lib,$(FLAVOUR)),build/host/libdoorbell.so)
simulator: $(H)/sim
torture: $(H)/torture
fuzzers: $(FUZZ_BINS)
HOST_GOALS := unit hostlink hostlib simulator torture fuzzers
.PHONY: $(HOST_GOALS)
.SECONDARY:

# --- Every public header compiles alone ---------------------------------------------------------------------------------
HEADERS := $(sort $(shell find include kernel net drivers -name '*.h' 2>/dev/null))
HEADER_OBJS := $(HEADERS:%=$(B)/headers/%.ok)
headers: $(HEADER_OBJS)
$(B)/headers/%.ok: % Makefile
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -I$(dir $<) -MMD -MP -MF $(@:.ok=.d) -MT $@ -fsyntax-only -x c -include $< /dev/null
	@touch $@

# Read only the dependency files of what is being built.
ifneq ($(filter objects,$(MAKECMDGOALS)),)
-include $(OBJS:.o=.d)
endif
ifneq ($(filter $(HOST_GOALS) $(H)/%,$(MAKECMDGOALS)),)
-include $(HOST_OBJS:.o=.d) $(UNIT_SRC:%.c=$(H)/obj/%.d) $(SIM_OBJS:.o=.d) $(TORTURE_OBJS:.o=.d) $(FUZZ_SRC:%.c=$(H)/obj/%.d) $(FUZZ_COMMON:.o=.d)
endif
ifneq ($(filter headers,$(MAKECMDGOALS)),)
-include $(HEADER_OBJS:.ok=.d)
endif
