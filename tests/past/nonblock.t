#!/usr/bin/env python3
"""A read of more than 2 KB from a pipe that does not block made the next one fail with EAGAIN, whatever was in the pipe, and a write
right after it too: the server had not yet heard that its answer had arrived.  poll saw data that had just been read."""
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
import saying
from hosttap import Tap
t = Tap()
KINDS = {"drained": "reads take all that is there", "room": "a read makes room", "polled": "poll sees what is there and no more",
         "counted": "FIONREAD tells how much there is"}
saying.check(t, "nonblock", KINDS)
t.done()
