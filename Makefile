# SPDX-License-Identifier: LGPL-2.1-only
# One makefile for everything; `make help` lists what it does. Each folder
# under tools/libxl sees only the layers below it: its -I list says which.

CC      ?= gcc
OPT     ?= -O2 -g
B       ?= build
DESTDIR ?=
PREFIX  ?= /usr/local

ifeq ($(origin CC),default)
CC := gcc
endif

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
        -Wpointer-arith -Wwrite-strings -Wundef -Werror
# V=1 shows the commands.
Q = $(if $(V),,@)
say = $(if $(V),@:,@printf '  %-4s %s\n' $(1))

ifneq ($(findstring clang,$(CC)),)
WARN += -Wno-unknown-warning-option
endif
WARN += -Wno-format-truncation
CFLAGS_ALL := -std=gnu11 -D_GNU_SOURCE $(OPT) $(WARN) -fno-strict-aliasing \
              -MMD -MP $(CFLAGS)

NL_CFLAGS := $(shell pkg-config --cflags libnl-route-3.0 2>/dev/null)
LIBS := -lxenlight -lxlutil -lxenctrl -lxenguest -lxenforeignmemory \
        -lxendevicemodel -lxenstore -lxencall -lxentoollog -lyajl -lev \
        -lnl-route-3 -lnl-3 -lm

# ---- layers: what each folder may include ---------------------------------
L := tools/libxl
I_base     := base
I_wire     := base wire
I_stream   := base wire stream
I_protocol := base protocol
I_compare  := base compare
I_ops      := base wire ops
I_store    := base wire stream store
I_session  := base wire stream protocol compare ops session
I_io       := base wire stream ops session io
I_domain   := base wire stream compare ops domain
I_net      := base wire ops net
FOLDERS    := base wire stream store protocol compare ops session io domain \
              net
inc = $(foreach d,$(I_$(1)),-I$(L)/$(d))

SRC_LIB := $(foreach d,$(FOLDERS),$(wildcard $(L)/$(d)/*.c))
OBJ_LIB := $(SRC_LIB:%.c=$(B)/%.o)
SO_MAJOR := 1
VERSION  := 1.0
SO_FOLDERS := base wire stream
SRC_SO  := $(foreach d,$(SO_FOLDERS),$(wildcard $(L)/$(d)/*.c))
PUBLIC  := $(addprefix $(L)/base/,err.h buf.h) \
           $(addprefix $(L)/wire/,format.h names.h qemu_format.h) \
           $(addprefix $(L)/stream/,checker.h fault.h pages.h \
             qemu_follow.h qemu_message.h qemu_ram.h qemu_state.h reader.h \
             rules.h validator.h writer.h)
OBJ_SO  := $(SRC_SO:%.c=$(B)/pic/%.o)
SRC_XL  := $(wildcard tools/xl/*.c)
OBJ_XL  := $(SRC_XL:%.c=$(B)/%.o)
SRC_UNIT := $(wildcard tools/tests/unit/test_*.c)
UNIT    := $(SRC_UNIT:tools/tests/unit/%.c=$(B)/unit/%)
SRC_FUZZ := $(wildcard tools/tests/fuzz/fuzz_*.c)
ALL_INC := $(foreach d,$(FOLDERS),-I$(L)/$(d))

.DEFAULT_GOAL := all
.PHONY: help all deps demo sim sim-long check unit style fuzz compare-qemu \
        lab lab-check lab-soak lab-bench lab-demo bench bench-pictures model \
        coverage mutants seeded-bugs differential docs docs-check install \
        install-lib clean

help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n",$$1,$$2}' \
	  $(firstword $(MAKEFILE_LIST))

all:  ## the program and the library
all: $(B)/xl $(B)/libxencolo.a $(B)/libxencolo.so.$(SO_MAJOR) $(B)/tables.ok

deps:  ## install Debian's packages that building and testing need
	@tools/setup.sh

# ---- compiling --------------------------------------------------------------
define folder_rule
$(B)/$(L)/$(1)/%.o: $(L)/$(1)/%.c
	@mkdir -p $$(@D)
	$$(call say,CC $$<)
	$$(Q)$$(CC) $$(CFLAGS_ALL) $$(call inc,$(1)) $$(NL_CFLAGS) -c $$< -o $$@
$(B)/pic/$(L)/$(1)/%.o: $(L)/$(1)/%.c
	@mkdir -p $$(@D)
	$$(call say,CC $$<)
	$$(Q)$$(CC) $$(CFLAGS_ALL) -fPIC $$(call inc,$(1)) -c $$< -o $$@
endef
$(foreach d,$(FOLDERS),$(eval $(call folder_rule,$(d))))

$(B)/tools/xl/backends.o: tools/xl/backends.c
	@mkdir -p $(@D)
	$(call say,CC $<)
	$(Q)$(CC) $(CFLAGS_ALL) $(ALL_INC) -Itools/xl $(NL_CFLAGS) -c $< -o $@

$(B)/tools/xl/trace_check.o: XL_INC := -I$(L)/protocol
$(patsubst %,$(B)/tools/xl/%.o,colo_trace trace_check trace_proxy \
  trace_report trace_watch): XL_INC += -I$(L)/wire -I$(L)/stream
$(B)/tools/xl/colo_sink.o $(B)/tools/xl/colo_replay.o: XL_INC := -I$(L)/store
$(B)/tools/xl/stream_verify.o: XL_INC := -I$(L)/wire -I$(L)/stream
$(B)/tools/xl/%.o: tools/xl/%.c
	@mkdir -p $(@D)
	$(call say,CC $<)
	$(Q)$(CC) $(CFLAGS_ALL) -I$(L)/base $(XL_INC) -I$(L)/ops \
	  -I$(L)/session -I$(L)/io -Itools/xl -c $< -o $@

$(B)/libxencolo.a: $(OBJ_LIB)
	@rm -f $@
	@ar rcs $@ $^

# Streams only, for programs that read or write them.
$(B)/libxencolo.so.$(SO_MAJOR): $(OBJ_SO) $(L)/libxencolo.map
	$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -shared $(OBJ_SO) -o $@ \
	  -Wl,-soname,$(@F),-z,defs,--version-script=$(L)/libxencolo.map

$(B)/xl: $(OBJ_XL) $(B)/libxencolo.a
	$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) $(OBJ_XL) $(B)/libxencolo.a $(LIBS) -o $@

# The machines' tables have no hole, or nothing is built.
$(B)/tables: $(foreach n,tables.c phases.c phases.h page_qemu.c page_qemu.h,\
               tools/tests/$(n)) $(B)/libxencolo.a
	$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(call inc,session) -Itools/tests \
	  $(filter %.c,$^) $(B)/libxencolo.a $(LIBS) -o $@
$(B)/promela: tools/tests/promela.c $(B)/libxencolo.a
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(call inc,protocol) $(LDFLAGS) $< \
	  $(B)/libxencolo.a -o $@

$(B)/tables.ok: $(B)/tables
	@$(B)/tables --check
	@touch $@

# ---- tests ------------------------------------------------------------------
$(B)/unit/%: tools/tests/unit/%.c $(B)/libxencolo.a
	@mkdir -p $(@D)
	$(call say,CC $<)
	$(Q)$(CC) $(CFLAGS_ALL) $(ALL_INC) -Itools/tests/unit $(NL_CFLAGS) $< \
	  $(UNIT_WRAP) $(B)/libxencolo.a -lcmocka $(LIBS) -o $@
$(B)/unit/test_xen_request: UNIT_WRAP := \
  -Wl,--wrap=xs_transaction_start,--wrap=xs_transaction_end,--wrap=xs_read \
  -Wl,--wrap=xs_write,--wrap=xs_check_watch,--wrap=xc_domain_getinfolist

$(B)/colo_compare: $(wildcard tools/tests/colo_compare/*.[ch]) \
                   tools/tests/unit/frames.h $(B)/libxencolo.a
	$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(ALL_INC) -Itools/tests/unit $(LDFLAGS) \
	  tools/tests/colo_compare/main.c $(B)/libxencolo.a $(LIBS) -o $@

# Fuzz targets: make CC=clang B=build/fuzz OPT='-O1 -g -fsanitize=…' …; see
# tools/tests/fuzz/replay.
$(B)/fuzz_%: tools/tests/fuzz/fuzz_%.c $(B)/libxencolo.a
	$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(ALL_INC) -Itools/tests/fuzz \
	  -Itools/tests/unit -fsanitize=fuzzer $< $(B)/libxencolo.a -o $@

$(B)/stream_seeds: tools/tests/fuzz/stream_seeds.c $(B)/libxencolo.a
	$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) $(call inc,stream) \
	  -Itools/tests/fuzz -Itools/tests/unit $< $(B)/libxencolo.a -o $@

# Both sides in one process, over virtual time.
OBJ_SIM := $(patsubst %.c,$(B)/%.o,$(wildcard tools/tests/sim/*.c))
WRAP := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
$(B)/tools/tests/sim/%.o: tools/tests/sim/%.c
	@mkdir -p $(@D)
	$(call say,CC $<)
	$(Q)$(CC) $(CFLAGS_ALL) $(ALL_INC) -Itools/tests/sim -c $< -o $@

$(B)/sim: $(OBJ_SIM) $(B)/libxencolo.a
	$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) $(WRAP) $^ $(LIBS) -o $@

# The same with one seeded bug: $(B)/canary/NAME.c is a changed copy.
$(B)/canary/%: $(B)/canary/%.c $(OBJ_SIM) $(B)/libxencolo.a
	$(Q)$(CC) $(CFLAGS_ALL) $(ALL_INC) $(LDFLAGS) $(WRAP) $(OBJ_SIM) $< \
	  $(B)/libxencolo.a $(LIBS) -o $@

sim: $(B)/sim  ## simulate: [SEED=n] [SEEDS=n] [EPOCHS=of-a-seed] [POINT=]
	@$(B)/sim $(if $(SEED),-s $(SEED)) -n $(or $(SEEDS),1) \
	  $(if $(EPOCHS),-E $(EPOCHS)) $(if $(POINT),-p $(POINT)) $(if $(V),-v)

sim-long: $(B)/sim  ## two crashes anywhere, then fresh seeds for T s (600)
	@tools/tests/logged $@ $(B)/sim -x 2 -t $(or $(T),600) -r -v

mutants:  ## does a test notice when a condition of the streams' code errs?
	@tools/tests/logged $@ tools/tests/mutants

seeded-bugs:  ## bugs of tools/tests/bugs.txt: does a test catch each?
	@tools/tests/logged $@ tools/tests/seed-bug --all

coverage:  ## how much of the streams' code the tests run
	@tools/tests/coverage

differential:  ## C and Python checker agree on 100,000 changed streams
	@tools/tests/logged $@ tools/tests/differential 100000 $(SEED)

fuzz:  ## every fuzz target for T seconds (600)
	@tools/tests/logged $@ tools/tests/fuzz/replay $(or $(T),600) $(F)

compare-qemu:  ## our comparison of output against QEMU's: CASES=n SEED=n
	@tools/setup.sh lab
	@tools/tests/logged $@ tools/tests/colo_compare/run \
	  $(or $(CASES),10000) $(SEED)

$(B)/stream_batch: tools/tests/stream_batch.c $(B)/libxencolo.a
	$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) $(call inc,stream) $< \
	  $(B)/libxencolo.a $(LIBS) -o $@

# What our secondary takes over with, beside a real one.
$(B)/qemu_choice: tools/tests/qemu_choice.c $(B)/libxencolo.a
	$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) $(call inc,stream) -I$(L)/protocol $< \
	  $(B)/libxencolo.a -o $@

unit: $(UNIT)  ## unit tests; one: make unit T=test_outq
	@tools/tests/run-unit $(if $(T),$(B)/unit/$(T),$(UNIT))

check:  ## the gate: every test with the same outcome each time
	@tools/tests/check

demo:  ## protect the embedded domain, kill its host, see it live on
	@tools/setup.sh build
	@$(MAKE) --no-print-directory all
	@tools/demo/demo

lab:  ## start two Xen hosts; then see tools/tests/lab/lab help
	@tools/setup.sh lab
	@$(MAKE) --no-print-directory all
	@tools/tests/lab/lab up

lab-check:  ## every test on the two Xen hosts
	@tools/tests/logged $@ tools/tests/lab-check

lab-soak:  ## N kills of each kind on the two Xen hosts
	@tools/tests/logged $@ tools/tests/lab-check --soak $(or $(N),20)

lab-bench:  ## ratios of the two Xen hosts, in one run
	@tools/tests/logged $@ tools/tests/lab-check stall delay dirty_bound \
	  kill_pvh kill_hvm

lab-demo:  ## the main job on real Xen, with figures
	@tools/setup.sh lab
	@$(MAKE) --no-print-directory all
	@tools/tests/lab/demo

style:  ## our own rules
	@tools/tests/style

BENCHES := $(patsubst %,$(B)/bench_%,stream pause session delay compare)

$(BENCHES): $(B)/%: tools/tests/bench/%.c $(wildcard tools/tests/bench/*.h) \
            $(B)/libxencolo.a
	$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(ALL_INC) -Itools/tests/unit $(LDFLAGS) $< \
	  $(B)/libxencolo.a $(LIBS) -o $@

bench: $(BENCHES) $(B)/xl  ## figures, each beside its limit
	@tools/tests/logged $@ tools/tests/bench/run $(B)

bench-pictures:  ## docs/pause-*.svg, of what the last bench measured
	@tools/tests/bench/draw $(B)/bench.json docs

model:  ## search the protocol's model with Spin, the large one
	@tools/tests/logged $@ tools/tests/model/check large

docs: $(B)/tables  ## write the generated pages again
	@$(B)/tables --docs docs/specs
	@tools/tests/pictures write $(B)/tables docs/specs

docs-check: $(B)/tables  ## are the generated pages those of the tables?
	@mkdir -p $(B)/docs && $(B)/tables --docs $(B)/docs
	@for page in $(B)/docs/*; do \
	  cmp $$page docs/specs/$${page##*/} || \
	    { echo "stale: make docs"; exit 1; }; done
	@tools/tests/pictures check $(B)/tables docs/specs

install: all install-lib  ## all of it; PREFIX=/usr/local DESTDIR=
	install -D -m 755 $(B)/xl $(DESTDIR)$(PREFIX)/sbin/xl
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	pod2man -s 1 -c xen-colo -n xl-colo docs/man/xl-colo.pod \
	  $(DESTDIR)$(PREFIX)/share/man/man1/xl-colo.1

install-lib: $(B)/libxencolo.so.$(SO_MAJOR)  ## the library of streams
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig \
	  $(DESTDIR)$(PREFIX)/include/xencolo
	install -m 644 $< $(DESTDIR)$(PREFIX)/lib
	ln -sf $(<F) $(DESTDIR)$(PREFIX)/lib/libxencolo.so
	install -m 644 $(PUBLIC) $(DESTDIR)$(PREFIX)/include/xencolo
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' \
	  $(L)/xencolo.pc.in >$(DESTDIR)$(PREFIX)/lib/pkgconfig/xencolo.pc

clean:  ## remove what was built (the lab's images too)
	rm -rf $(B)

-include $(OBJ_SIM:.o=.d) $(OBJ_LIB:.o=.d) $(OBJ_SO:.o=.d) $(OBJ_XL:.o=.d) $(UNIT:=.d)
