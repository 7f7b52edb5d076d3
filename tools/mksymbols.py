#!/usr/bin/env python3
"""Makes the kernel's symbol table (assembly, standard output) from `nm -n` (standard input).

symbol_table: {address, offset of the name in symbol_names}..., ended by {0xffffffff, 0}.  It lies
after all code, so that adding it moves no function."""

import sys

symbols = []
for line in sys.stdin:
    fields = line.split()
    if len(fields) == 3 and fields[1] in "tT" and not fields[2].startswith("."):
        symbols.append((int(fields[0], 16), fields[2]))
print('\t.section .symbols, "a"\n\t.globl symbol_table, symbol_names\n\t.p2align 2\nsymbol_table:')
offset = 0
for address, name in symbols:
    print("\t.long 0x%x, %d" % (address, offset))
    offset += len(name) + 1
print("\t.long 0xffffffff, 0\nsymbol_names:")
for _, name in symbols:
    print('\t.asciz "%s"' % name)
print('\t.section .note.GNU-stack, "", @progbits')
