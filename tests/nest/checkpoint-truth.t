#!/usr/bin/env python3
# Limit: 2400
"""Programs that check themselves, destroyed and restored at instants of their own run drawn by seed: each prints what it
prints undisturbed.  20 programs, 4 of each kind, and 5 of them in another boot; with --long all 100, and 40 in another boot.  A boot
each."""
import os, sys
sys.path.insert(0, "tests")
import checkpointing
from hosttap import Tap
t = Tap()
LONG = bool(os.environ.get("TEST_LONG"))
SEED, INSTANTS = int(os.environ.get("SEED", "1")), 5
DRIVE = "build/tests/checkpoint-truth.img"

all = checkpointing.programs()
some = all if LONG else all[:5] + all[35:40] + all[70:75] + all[95:]
elsewhere = all[:40] if LONG else some[::4]
starts = checkpointing.start_times()
wanted = checkpointing.reference(some, starts)
bad = [name for name, _ in some if wanted[name][1] != "0" or len(wanted[name][0].splitlines()) < 4]
t.check("checkpoint-truth-01", "undisturbed below the checkpointer every program finds itself right", not bad, [(b, wanted[b]) for b in bad])

total = checkpointing.same_boot(some, wanted, SEED, INSTANTS)
print("# same boot: %d programs, %d restores, %d of them between first and last output, %d images failed" %
      (total.programs, total.restores, total.inside, total.failed))
t.check("checkpoint-truth-02", "destroyed and restored up to 5 times in the same boot: byte-identical output", not total.wrong and
        total.programs == len(some), "\n".join(total.wrong[:3]) + "\n%d wrong" % len(total.wrong))
t.check("checkpoint-truth-03", "of the instants that met a program, at least 90 % lay between its first and its last output",
        total.inside * 10 >= total.restores * 9 and total.restores >= len(some) * INSTANTS * 8 // 10, (total.inside, total.restores, len(some) * INSTANTS))
t.check("checkpoint-truth-04", "no image failed", not total.failed, total.failed)

total = checkpointing.other_boot(elsewhere, wanted, SEED, DRIVE)
print("# other boot: %d programs, %d met between first and last output" % (total.programs, total.inside))
t.check("checkpoint-truth-05", "begun in one boot and gone on with in another: byte-identical output", not total.wrong and
        total.programs == len(elsewhere), "\n".join(total.wrong[:3]) + "\n%d wrong" % len(total.wrong))
t.check("checkpoint-truth-06", "at least 90 % of them met between first and last output", total.inside * 10 >= total.programs * 9,
        (total.inside, total.programs))
t.done()
