#!/usr/bin/env python3
"""Makes the user entry stubs (assembly) and the header of call numbers from calls.def.

usage: mkcalls.py calls.def stubs.S callnumbers.h

Each stub is a C function `fluke_NAME`: it loads the registers as calls.def says, calls the
entry page and stores the results.  Registers that it changes and C keeps, it saves."""

import re
import sys

PLAIN = ["ebx", "ecx", "edx", "esi", "edi"]
BLOCK_RECEIVE = 20		# offsetof(fluke_ipc_params_t, recv_words)
HALVES = {"send": (0, 4), "receive": (2, 20)}	# offsets of the two counts, of the four words


def parse(path):
    text = re.sub(r"/\*.*?\*/", "", open(path).read(), flags=re.S)
    for match in re.finditer(r"^CALL\((.*)\)\s*$", text, flags=re.M):
        fields = re.match(r"\s*(\d+),\s*(\w+),\s*(\w+),\s*(\w+),\s*(\w+),\s*\((.*)\)$", match.group(1))
        if not fields:
            sys.exit("%s: cannot read: %s" % (path, match.group(0)))
        number, name, _, _, result, arguments = fields.groups()
        yield int(number), name, result, re.findall(r"(\w+)(?:\(([^)]*)\))?", arguments)


def by_value(kind, what):
    return kind == "INOUT" or (kind == "OUT" and what == "word")


class Stub:
    """Places of the arguments of one call: loads before, stores after."""

    def __init__(self, number, name, arguments):
        self.number, self.name = number, name
        self.ipc = name.startswith("ipc_")
        self.loads = []		# (register, argument index)
        self.values = []	# (register, argument index, read first)
        self.alias = self.block = self.half = None
        plain, value = iter(PLAIN), iter(["esi", "edi"])
        for index, (kind, what) in enumerate(arguments):
            if kind in ("BLOCK", "HALF"):
                self.block = index
                self.half = what if kind == "HALF" else None
                self.loads.append(("ebx", index))
            elif kind == "ALIAS":
                self.alias = index
            elif self.ipc:
                self.loads.append(("edi", index))
            elif by_value(kind, what):
                self.values.append((next(value), index, kind == "INOUT"))
            else:
                register = next(plain)
                if kind != "SELF":
                    self.loads.append((register, index))
        used = {r for r, _ in self.loads} | {v[0] for v in self.values}
        self.saved = [r for r in ("ebx", "esi", "edi") if self.ipc or r in used] + ["ebp"]
        self.receives = self.block is not None and ("receive" in name or name == "ipc_call")

    def argument(self, index):
        return "%d(%%esp)" % (4 * len(self.saved) + 4 + 4 * index)

    def load(self):
        for register, index in self.loads:
            yield "movl %s, %%%s" % (self.argument(index), register)
        if self.half:
            counts, words = HALVES[self.half]
            yield "movzwl %d(%%ebx), %%eax" % counts
            yield "shll $16, %eax"
            for offset, register in enumerate(("ecx", "esi", "edi", "edx")):
                yield "movl %d(%%ebx), %%%s" % (words + 4 * offset, register)
            yield "movb $%d, %%al" % self.number
            return
        for register, index, read in self.values:
            yield "movl %s, %%%s" % (self.argument(index), register) if read else "xorl %%%s, %%%s" % (register, register)
            if read:
                yield "testl %%%s, %%%s; jz 1f; movl (%%%s), %%%s; 1:" % ((register,) * 4)
        yield "movl $%d, %%eax" % self.number

    def store(self):
        if self.alias is not None:
            yield "movl %s, %%ecx" % self.argument(self.alias)
            yield "testl %ecx, %ecx; jz 1f; movl %ebp, (%ecx); 1:"
        if self.receives:
            yield "movl %s, %%edx" % self.argument(self.block)
            yield "movl %eax, %ecx"
            yield "shrl $16, %ecx"
            yield "movl %%ebx, %d(%%edx)" % BLOCK_RECEIVE
            yield "movw %cx, 2(%edx)"
        for register, index, _ in self.values:
            yield "movl %s, %%ecx" % self.argument(index)
            yield "testl %%ecx, %%ecx; jz 1f; movl %%%s, (%%ecx); 1:" % register

    def text(self):
        symbol = "fluke_" + self.name
        lines = ["", "\t.section .text.%s, \"ax\", @progbits" % symbol, "\t.p2align 4",
                 "\t.globl %s" % symbol, "\t.type %s, @function" % symbol, symbol + ":"]
        body = ["pushl %" + r for r in self.saved] + list(self.load()) + ["call FLUKE_ENTRY"] + list(self.store())
        body += ["popl %" + r for r in reversed(self.saved)] + ["ret"]
        return "\n".join(lines + ["\t" + line for line in body] + ["\t.size %s, . - %s" % (symbol, symbol)])


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    calls = list(parse(sys.argv[1]))
    with open(sys.argv[2], "w") as out:
        out.write("/* Made from calls.def by mkcalls.py. */\n/* 0xbffff000, as a number with a sign: clang knows no other in a relative call */\n\t.set FLUKE_ENTRY, -0x40001000\n")
        for number, name, _, arguments in calls:
            out.write(Stub(number, name, arguments).text() + "\n")
        out.write('\n\t.section .note.GNU-stack, "", @progbits\n')
    with open(sys.argv[3], "w") as out:
        out.write("/* Made from calls.def by mkcalls.py. */\n#ifndef FLUKE_CALLNUMBERS_H\n#define FLUKE_CALLNUMBERS_H\n\n")
        for number, name, _, _ in calls:
            out.write("#define FLUKE_CALL_%s\t%d\n" % (name, number))
        out.write("\n#endif\n")


main()
