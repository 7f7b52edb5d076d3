#!/usr/bin/env python3
"""Shared anonymous memory was private, without a word; a mapping of an unlinked file ended with the file's last descriptor."""
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
import saying
from hosttap import Tap
t = Tap()
KINDS = {"anonymous": "memory that is mapped shared is the same one after fork", "nameless": "memfd_create, O_TMPFILE",
         "unlinked": "a mapping keeps its file, without a name and without a descriptor",
         "freed": "what is unmapped is free again", "named": "/dev/shm is there"}
saying.check(t, "mapped", KINDS, "--memory", "96")
t.done()
