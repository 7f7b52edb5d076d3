#!/bin/sh
# Builds build/image_host and an image whose TLS selector is the one Linux gives (index 13).
set -e
B=build/image_host.d
mkdir -p $B/include/fluke/i386
sed 's/define FLUKE_USER_TLS.*/define FLUKE_USER_TLS 0x6b/; s/define FLUKE_USER_CS.*/define FLUKE_USER_CS 0x23/; s/define FLUKE_USER_DS.*/define FLUKE_USER_DS 0x2b/' \
	include/fluke/i386/thread.h >$B/include/fluke/i386/thread.h
CF="-m32 -march=i686 -std=gnu11 -O2 -g -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-strict-aliasing -mgeneral-regs-only \
 -fno-asynchronous-unwind-tables -mpreferred-stack-boundary=2 -ffunction-sections -I$B/include -Iinclude -Ibuild/include -Ilibc/include -Wall"
O=
for f in libc/image.c libc/posix/*.c libc/posix/*.S libc/core/string.c libc/core/printf.c build/protocols/*_client.c; do
	o=$B/$(basename $f).o
	if [ ! $o -nt $f ] || [ libc/posix/posix.h -nt $o ]; then gcc $CF -DPROTO_CALL=image_call -c $f -o $o; fi
	O="$O $o"
done
ld -m elf_i386 -T libc/image.ld -z max-page-size=4096 -z noexecstack --gc-sections --no-warn-rwx-segments -o $B/image.elf $O build/stubs.o \
	$(gcc -m32 -print-libgcc-file-name)
objcopy -O binary -j .text -j .rodata -j .vdso -j .padding -j .data --change-section-lma .data-0 $B/image.elf $B/image
gcc -m32 -O1 -g -static -no-pie -fno-stack-protector -Wl,-Ttext-segment=0x20000000 -Wall -Wextra -Wno-unused-parameter \
	-iquote include -idirafter include -Ibuild/include tests/host/image/host.c tests/host/image/host.S -o build/image_host
