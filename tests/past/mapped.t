#!/usr/bin/env python3
"""Shared anonymous memory was private, without a word; a mapping of an unlinked file ended with the file's last descriptor."""
import re, subprocess, sys
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
KINDS = {"anonymous": "memory that is mapped shared is the same one after fork", "nameless": "memfd_create, O_TMPFILE",
         "unlinked": "a mapping keeps its file, without a name and without a descriptor",
         "freed": "what is unmapped is free again", "named": "/dev/shm is there"}
r = subprocess.run(["boot/run", "--icount", "--memory", "96", "--timeout", "60", "--put", "build/tests/posix/mapped:/bin/mapped", "--", "mapped"],
                   capture_output=True, text=True, timeout=300)
for n, (kind, sentence) in enumerate(KINDS.items(), 1):
    t.check("past-mapped-%02d" % n, sentence, kind + " right" in r.stdout.splitlines(), r.stdout + r.stderr)
t.done()
