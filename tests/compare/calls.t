#!/usr/bin/env python3
# The calls cases: cases/calls.sh in the guest and on Linux.
import os, sys
sys.path.insert(0, "tests/compare")
sys.dont_write_bytecode = True
import compare
compare.main("calls")
