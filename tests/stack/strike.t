#!/usr/bin/env python3
"""Each nester killed, stopped, derailed in the middle of its work, under each other one.  What it nests ends, with a message; a program
and a stack beside it, and the shell and the nesters above, never notice; memory and objects come back to the last one.  One that only
stands still for a while goes on with the same output.  TEST_LONG: each way for each nester with something beside and above, else six of them."""
# Limit: 1200
import os, random, re, sys
sys.dont_write_bytecode = True
sys.path[:0] = ["tests", "tests/stack"]
from hosttap import Tap
from stacks import NAMES, boot, words
t = Tap()
LONG = bool(os.environ.get("TEST_LONG"))
WAYS = ["kill", "stop", "die", "signal"]	# the first three are strike's; a signal comes from the shell above
PART = 24
VICTIMS = NAMES if LONG else NAMES[:5]
FEW = ["strike-%d" % n for n in (11, 22, 24, 33, 41, 54)]	# each way, each nester, memory most
ROUNDS = 3

# scene NAME HOW WORDS...: run by a shell below what is `above`
SCENE = r"""
name=$1 how=$2; shift 2
work() { seq 200 | sort -R --random-source=/bin/bash | sort -n | md5sum; }
below="`declare -f work`
work > /dev/null; : > /tmp/go.$name; while :; do work > /dev/null; echo \$((++n)) > /tmp/alive.$name; done"
(for i in 1 2 3 4; do work; done > /tmp/one.$name) &
memory -s 20M bash -c "`declare -f work`; for i in 1 2 3; do work; done" > /tmp/two.$name &
if [ $how == signal ]; then
	"$@" bash -c "$below" & victim=$!
	while [ ! -e /tmp/go.$name ] && kill -0 $victim 2> /dev/null; do sleep 0.02; done
	kill -9 $victim; wait $victim; status=$?
else
	/fluke/apps/strike $how /tmp/go.$name "$@" bash -c "$below"; status=$?
fi
at=`cat /tmp/alive.$name 2> /dev/null`
wait
sleep 0.2
[ "$at" == "`cat /tmp/alive.$name 2> /dev/null`" ] && ended=ended || ended=lives
echo "scene $name status $status $ended one $(sort -u /tmp/one.$name | wc -l) $(wc -l < /tmp/one.$name) $(head -n 1 /tmp/one.$name | cut -c1-32)" \
	"two $(sort -u /tmp/two.$name | wc -l) $(wc -l < /tmp/two.$name) $(head -n 1 /tmp/two.$name | cut -c1-32) above $(work | cut -c1-32)"
rm -f /tmp/*.$name
exit 5
"""
DRIVER = "cat > /tmp/scene << 'END'\n%sEND\n" % SCENE + r"""
scene() {
	local name=$1 how=$2 above=$3; shift 3
	$above bash /tmp/scene $name $how "$@" 2> /tmp/said; echo "above $name status $?"
	sed "s/^/said $name /" /tmp/said
}
"""
def line(i, how, above, stack):
    beside = ("memory", "process", "process")		# above has room for that too
    return "scene %s %s '%s' %s\n" % (i, how, words(above + beside + stack).rsplit(words(beside + stack), 1)[0].strip(), words(stack))

def judge(r, i, how, victim, wanted):
    """What is wrong with a scene; empty: nothing."""
    m = re.search(r"^scene %s status (\d+) (\w+) one 1 4 (\S+) two 1 3 (\S+) above (\S+)$" % i, r.out, re.M)
    said = "\n".join(re.findall(r"^said %s (.*)$" % i, r.out, re.M))
    message = {"die": r"exception", "signal": r"Killed"}.get(how, r"^strike: %s is ended" % victim)
    wrong = []
    if not m:
        wrong.append("no result, or something beside it noticed: %s" % re.findall(r"^scene %s .*$" % i, r.out, re.M))
    else:
        wrong += ["status %s" % m[1]] if m[1] not in (("126", "139") if how == "die" else ("137",)) else []
        wrong += ["what is below goes on"] if m[2] != "ended" else []
        wrong += ["another output beside or above"] if {m[3], m[4], m[5]} != {wanted} else []
    if "above %s status 5" % i not in r.out:
        wrong.append("the shell above did not end as it should")
    if not re.search(message, said, re.M):
        wrong.append("no message: " + said)
    return wrong

def run(scenes, wanted):
    for n in range(0, len(scenes), PART):
        part = scenes[n:n + PART]
        script = "".join(line(i, how, above, stack) for i, how, above, stack in part)
        for n in range(ROUNDS):
            script += "".join(line("%d-%s" % (n, v), "kill", ("process",), (v, "process")) for v in VICTIMS) + "look round%d\n" % n
        r = boot(DRIVER + script, timeout=90)
        for i, how, above, stack in part:
            wrong = judge(r, i, how, stack[0], wanted)
            t.check(i, "%s: %s, above it %s" % (how, " ".join(stack), " ".join(above)), not wrong, "\n".join(wrong) + "\n" + r.err[-800:])
        # a heap may find its greatest size late, once; what is lost each time shows in every round
        t.check("counts-" + part[0][0], "when all is over, free memory and the count of every object type are exactly as after the round before",
                r.status == 0 and any(r.same("round%d" % (n - 1), "round%d" % n) for n in range(1, ROUNDS)),
                r.seen(*("round%d" % n for n in range(ROUNDS))))

def scenes():
    chance = random.Random(5)
    for v, victim in enumerate(NAMES, 1):
        for w, how in enumerate(WAYS, 1):
            if os.environ.get("STRIKE_ALL"):		# hours
                yield from (("every-%d%d%d%d" % (v, w, a, b), how, (x,), (victim, y)) for a, x in enumerate(VICTIMS, 1)
                            for b, y in enumerate(VICTIMS, 1))
            yield "strike-%d%d" % (v, w), how, (chance.choice(VICTIMS),), (victim, *[chance.choice(VICTIMS) for _ in range(chance.randint(1, 2))])

reference = boot("seq 200 | sort -R --random-source=/bin/bash | sort -n | md5sum | cut -c1-32\n")
run(sorted(s for s in scenes() if LONG or s[0] in FEW), reference.out.strip())

# ---- it only stands still for a while
r = boot("process bash /tmp/stack-script wanted > /tmp/wanted\njob wanted process\n" + "".join(
    "job pause-%s /fluke/apps/strike pause /tmp/work.pause-%s %s\n" % (n, n, words((n, "process"))) for n in NAMES))
for v, name in enumerate(NAMES, 1):
    t.check("pause-%02d" % v, "%s stands still for a second: then all goes on, the output is the same" % name, r.jobs.get("pause-" + name, "") ==
            r.jobs.get("wanted") and "%s stands still" % name in r.notes("pause-" + name), r.notes("pause-" + name) + str(r.jobs))

# ---- at boot, with nothing outside but root
for v, name in enumerate(NAMES, 1):
    for w, how in enumerate(["kill", "die"] if LONG or name == "process" else ["die"], 1):
        r = boot(": > /tmp/go; while :; do :; done", stack="strike %s /tmp/go %s process" % (how, words((name,))))
        t.check("boot-%d%d" % (v, w), "%s: %s at boot: the run ends with its status and a message" % (how, name), r.status in ((126, 139) if how == "die" else (137,)) and
                re.search("exception" if how == "die" else "%s is ended" % name, r.out + r.err), (r.status, r.out, r.err))
t.done()
