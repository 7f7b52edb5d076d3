#!/usr/bin/env python3
"""The child of a process with several threads owned the lock of its image for ever: its first call after it had made a thread failed
with EFAULT, and so did all others."""
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
import saying
from hosttap import Tap
t = Tap()
KINDS = {"first": "fork by the first of several threads, then threads in the child", "other": "the same by another one"}
saying.check(t, "forked", KINDS)
t.done()
