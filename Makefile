# Fluke.  Everything is made under build/.  `make help` lists the targets; the parts' own rules
# are in the .mk files of their folders.  V=1 shows the commands, WERROR=1 makes warnings errors.
B	= build
Q	= $(if $(V),,@)
say	= @echo "  $(1)"

CC	= gcc
WARN	= -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes $(if $(WERROR),-Werror)
FREE	= -m32 -march=i686 -std=gnu11 -O2 -g -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-common \
	  -fno-asynchronous-unwind-tables -fno-strict-aliasing -mno-sse -mno-mmx -mno-80387 \
	  -Iinclude -I$(B)/include $(WARN) -MMD -MP
TREE	= debian
# the harness of test programs (tests/check.h), and what stands around it on the bare machine
CHECK_OBJ = $(B)/tests/check.o $(B)/tests/check_entry.o
GUEST_OBJ = $(CHECK_OBJ) $(B)/tests/check_bare.o $(B)/tests/start.o $(B)/stubs.o
MODULES = $(B)/root $(B)/fluke.cpio $(B)/tree-$(TREE).cpio

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: check-kernel figures lint all run test test-all bench bench-quick coverage iso gdb sizes docs help clean torture setup trees drive

all: kernel user $(B)/fluke.cpio $(if $(CHECK),check-kernel)	## build everything but the Debian trees

# ---- the parts; kernel.mk defines the target kernel, the others add to user
-include kernel/kernel.mk libc/libc.mk libc/image.mk libnest/libnest.mk nesters/nesters.mk apps/apps.mk tests/tests.mk
kernel:
user:

# ---- set-up: host packages, Debian i386 packages (both once, kept under build/)
setup: $(B)/setup.stamp		## install the host packages that are missing
$(B)/setup.stamp: tools/setup
	@mkdir -p $(B)
	$(Q)tools/setup
	@touch $@
ifneq ($(filter-out help clean,$(or $(MAKECMDGOALS),all)),)
include $(B)/setup.stamp	# empty: so that it is made before all else, with -j too
endif

trees: $(B)/tree-debian.cpio $(B)/tree-small.cpio	## fetch Debian i386 packages, make both file trees
$(B)/tree-debian.cpio $(B)/tree-small.cpio &: tools/mktree tools/mkcpio boot/packages $(B)/setup.stamp
	$(Q)tools/mktree $(B)

# the drive: a swap file and the pack, a read-only tree with gcc (docs/design/pack.md)
drive: $(B)/drive.img		## build/drive.img for boot/run --drive: gcc, binutils, make, libc6-dev, and a swap file
$(B)/gcc.pack: tools/mktree tools/mkpack tools/mkcpio boot/packages $(B)/tree-debian.cpio
	$(Q)tools/mktree $(B) gcc
	$(Q)tools/mkpack $(B)/tree-gcc $@
$(B)/drive.img: tools/mkdisk $(B)/gcc.pack
	$(call say,DISK $@)
	$(Q)tools/mkdisk $@ swap:256M pack=$(B)/gcc.pack

# our own programs, laid over the tree: /fluke/nesters, /fluke/apps, /fluke/image
$(B)/fluke.cpio: tools/mkcpio $(FLUKE_FILES)
	$(call say,CPIO $@)
	$(Q)rm -rf $(B)/fluke && mkdir -p $(B)/fluke/fluke/nesters $(B)/fluke/fluke/apps
	$(Q)for f in $(FLUKE_FILES); do d=$${f#$(B)/}; mkdir -p $(B)/fluke/fluke/$$(dirname $$d); \
		objcopy -S $$f $(B)/fluke/fluke/$$d 2>/dev/null || cp $$f $(B)/fluke/fluke/$$d; done
	$(Q)mkdir -p $(B)/fluke/usr/local/bin && for f in $(B)/fluke/fluke/nesters/*; do \
		ln -s /fluke/nesters/$${f##*/} $(B)/fluke/usr/local/bin; done
	$(Q)tools/mkcpio $(B)/fluke $@

# ---- use
run: setup all trees		## boot to bash on the console, in this terminal
	$(Q)boot/run --tree $(TREE) $(if $(STACK),--stack "$(STACK)") $(if $(DRIVE),--drive $(DRIVE)) $(RUN)

gdb: setup all trees		## the same, waiting for gdb on port 1234 (gdb build/fluke.debug.elf)
	$(Q)boot/run --tree $(TREE) --gdb

iso: setup all trees		## build/fluke.iso: BIOS and UEFI, disc and USB stick
	$(Q)boot/mkimage $(B)/fluke.iso $(TREE)

# ---- proof
test: setup all trees drive		## every test; last line: N passed, N failed
	$(Q)tests/run
test-all: test			## the same and the long ones
	$(Q)tests/run --long
test-%: setup all trees drive		## test-AREA or test-ID: those cases alone
	$(Q)tests/run $*

torture: setup all trees	## bash under the torture nester: ROUNDS= seeds (0 = for ever) from SEED= on, RATE= microseconds; images at 50 instants
	$(Q)INSTANTS=50 SEED=$(or $(SEED),1) tests/run nest/checkpoint-truth
	$(Q)tests/torturing.py --rounds $(or $(ROUNDS),100) --seed $(or $(SEED),1) --rate $(or $(RATE),1000)

bench: setup all trees drive		## measurements under -icount: build/bench/results.tsv
	$(Q)tests/bench/run
bench-quick: setup all trees	## the measurements with a budget, compared with tests/bench/budgets.tsv
	$(Q)tests/bench/run --quick

figures: setup all trees drive	## docs/figures: the published experiments run again, ours beside the published points
	$(Q)boot/run --stack "" --tree small --timeout 60 -- schedtests >$(B)/schedtests.out
	$(Q)tools/figures --collect docs/figures/results.txt <$(B)/schedtests.out
	$(Q)tools/figures docs/figures/results.txt docs/figures
	$(Q)tests/bench/run ladder
	$(Q)tools/ladders --collect docs/figures/ladders.txt <$(B)/bench/results.tsv
	$(Q)tools/ladders docs/figures/ladders.txt docs/figures
	$(Q)tools/trace-figure docs/figures

check-kernel:			## build/check/fluke.elf: the kernel with all its checks (also: make CHECK=1)
	$(Q)$(MAKE) -f kernel/kernel.mk CC=$(CC) B=$(B)/check CHECK=1 $(B)/check/fluke.elf

lint: all			## static checks of the kernel
	$(Q)tools/lint

sizes: all			## lines of source and bytes of programs
	$(Q)tools/sizes

coverage: setup all trees	## which lines of the kernel the tests execute (--list in tests/coverage: those they do not)
	$(Q)tests/coverage

docs: all			## generated pages: docs/protocols, docs/linux-calls.md
	$(Q)for t in tools/docs.d/*; do [ ! -x $$t ] || $$t || exit 1; done

help:				## this list
	@sed -n 's/^\([a-z%-]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22
	@echo; echo "  boot/run -h explains how to run commands in the system"

clean:				## remove what was built (keeps downloads)
	$(Q)find $(B) -mindepth 1 -maxdepth 1 ! -name apt ! -name debs ! -name setup.stamp -exec rm -rf {} + 2>/dev/null || true

Makefile: ;
