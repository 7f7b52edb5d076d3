#!/bin/sh
# The native C library's plain parts on Linux i386 (tests/host/libc/main.c); the last lines come from that program.
out=build/tests/host/libc
mkdir -p build/tests/host
cc="gcc -m32 -march=i686 -std=gnu11 -O2 -Wall -Wextra -ffreestanding -fno-pic -fno-pie -fno-stack-protector -mno-sse -mno-mmx
	-mno-80387 -ffunction-sections -fdata-sections -Iinclude -Ibuild/include -Ilibc/include -nostdlib -static"
if ! $cc -Wl,--gc-sections,-e,start,--unresolved-symbols=ignore-all,-z,noexecstack -o $out tests/host/libc/main.c \
	libc/core/string.c libc/core/stdlib.c libc/core/printf.c libc/core/malloc.c libc/core/object.c libc/core/thread.c \
	libc/core/start.c libc/core/fastlock.c "$($cc -print-libgcc-file-name)"; then
	echo "1..1"
	echo "not ok 1 - libc-00 the library's sources compile for Linux"
	exit 1
fi
exec $out
