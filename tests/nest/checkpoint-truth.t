#!/usr/bin/env python3
# Limit: 2400
"""A hundred programs that check themselves, destroyed and restored at instants of their own run drawn by seed: each prints what it
prints undisturbed.  All of them at 5 instants (INSTANTS=) in the same boot, more than 40 in another boot: 8 boots, 11 programs each."""
import os, sys
sys.path.insert(0, "tests")
import checkpointing
from hosttap import Tap
t = Tap()
SEED, INSTANTS = int(os.environ.get("SEED", "1")), int(os.environ.get("INSTANTS", "5"))
DRIVE = "build/tests/checkpoint-truth.img"

all = checkpointing.programs()
elsewhere = all[:44]
wanted = checkpointing.reference(all)
bad = [name for name, _ in all if wanted[name][1] != "0" or len(wanted[name][0].splitlines()) < 4]
t.check("checkpoint-truth-01", "undisturbed below the checkpointer every program finds itself right", not bad and len(all) == 100,
        [(b, wanted[b]) for b in bad])

total = checkpointing.same_boot(all, wanted, SEED, INSTANTS)
print("# same boot: %d programs, %d restores, %d of them between first and last output, %d images failed" %
      (total.programs, total.restores, total.inside, total.failed))
t.check("checkpoint-truth-02", "destroyed and restored %d times in the same boot: byte-identical output" % INSTANTS, not total.wrong,
        "\n".join(total.wrong[:3]) + "\n%d wrong" % len(total.wrong))
t.check("checkpoint-truth-03", "none of these instants came after the program's end, and at least 90 % lay between its first and last output",
        not total.few and total.inside * 10 >= total.restores * 9 and total.restores >= len(all) * INSTANTS, (total.inside, total.restores, total.few))
t.check("checkpoint-truth-04", "no image failed", not total.failed, total.failed)

total = checkpointing.other_boot(elsewhere, wanted, SEED, DRIVE)
print("# other boot: %d programs, %d met between first and last output" % (total.programs, total.inside))
t.check("checkpoint-truth-05", "begun in one boot and gone on with in another: byte-identical output", not total.wrong and
        total.programs >= 40, "\n".join(total.wrong[:3]) + "\n%d wrong of %d" % (len(total.wrong), total.programs))
t.check("checkpoint-truth-06", "at least 90 % of them met between first and last output", total.inside * 10 >= total.programs * 9,
        (total.inside, total.programs))
t.done()
