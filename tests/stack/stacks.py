"""Stacks of nesters for tests: the table of nesters, orders drawn from it by seed, and one boot that runs many of them around the
same script.  A new nester is one line in the table, at its end: ids of tests are made of its place."""
import os, random, re, subprocess, tempfile

# name: words in a stack ({size} = MB that what is below wants), MB that it wants for itself
TABLE = {
    "process": ("process", 7),
    "memory": ("memory -s {size}M", 3),
    "trace": ("trace -o /dev/null", 3),
    "scheduler": ("scheduler rr", 2),
    "checkpoint": ("checkpoint", 12),
    "debug": ("debug", 4),
}
NAMES = list(TABLE)
SCRIPT_SIZE = 8				# MB that the script wants

def size_of(stack):
    return SCRIPT_SIZE + sum(TABLE[name][1] for name in stack)

def words(stack, tight=1.0):
    """The stack as words of a command line, outermost first; tight: this part of the memory wanted.  checkpoint takes all its memory as a
    place for objects, and memory has an eighth for those."""
    stack, found = list(stack), []
    for n, name in enumerate(stack):
        below = stack[n + 1:]
        size = 8 * size_of(below[below.index("checkpoint"):]) if "checkpoint" in below else int(size_of(below) * tight)
        found.append(TABLE[name][0].format(size=size))
    return " ".join(found)

def draw(seed, names=NAMES, least=3, most=8):
    """A stack of a depth and an order that the seed says."""
    chance = random.Random(seed)
    return tuple(chance.choice(names) for _ in range(chance.randint(least, most)))

# What every stack must leave as it is: pipes, files, signals, processes, statuses, arithmetic.  Exits with 7.
SCRIPT = r"""
mkdir /tmp/work.$1; cd /tmp/work.$1
seq 200 | sort -R --random-source=/bin/bash | tee mixed | sort -n | md5sum
sort -n mixed | cmp - <(seq 200) && echo the same
for i in 1 2; do echo $i | cat | (read x; echo got $x); done
trap 'echo usr1' USR1; kill -USR1 $$; echo after
bash -c 'sleep 100 & p=$!; kill $p; wait $p; echo $?' 2> err
bash -c 'kill -SEGV $$' 2> err; echo $?
awk 'BEGIN { for (n = 1; n < 500; n++) s += sqrt(n) / n; printf "%.6f\n", s }'
head -c 20000 /dev/zero | gzip | gzip -d | cksum
mkfifo f; (sleep 0.05; echo through > f) & cat f; wait
ls -d /etc/*.conf | LC_ALL=C sort | xargs cat | sha1sum
ls; cd /; rm -r /tmp/work.$1
exit 7
"""

# In the guest, before everything else: `job NAME WORDS...` runs the script below the words; `look NAME` prints the counts of
# kernel objects and free memory (page tables, a cache, left out), several times, since servers settle when nobody is busy
# (also after the end of sleep, hence the pause without a program);
# `settle` runs `again` ROUNDS times, with a look after each: two rounds, one after the other, have to leave exactly the same once what
# servers and this shell keep has its size, and whatever each round lost would differ for ever.
ROUNDS = 4
PRELUDE = r"""
mkfifo /tmp/nobody
job() {
	local name=$1 status; shift
	"$@" bash /tmp/stack-script $name > /tmp/out.$name 2> /tmp/err.$name; status=$?
	echo "job $name status $status sum $(cksum < /tmp/out.$name)"
	[ "$status $(cksum < /tmp/out.$name)" == "7 $(cksum < /tmp/wanted)" ] || head -n 20 /tmp/out.$name | sed "s/^/note $name /"
	sed "s/^/said $name /" /tmp/err.$name
	rm /tmp/out.$name /tmp/err.$name
}
look() { for i in {1..8}; do sleep 0.3; read -t 0.05 <> /tmp/nobody; mapfile -t lines < /proc/objects; echo "look $1 ${lines[*]:1}"; done; }
settle() { for round in {1..""" + str(ROUNDS) + r"""}; do again $round; look again-$round; done; }
"""

class Result:
    """What one boot printed."""
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err
        self.jobs = {m[1]: m[2] for m in re.finditer(r"^job (\S+) (.*)$", out, re.M)}

    def looks(self, name):
        return set(re.findall(r"^look %s (.*)$" % name, self.out, re.M))

    def notes(self, name):
        return "\n".join(re.findall(r"^(?:note|said) %s (.*)$" % name, self.out, re.M)) or self.err[-1500:]

    def same(self, before, after):
        """Free memory and the count of every type: a moment of `after` is exactly like one of `before`."""
        one, two = self.looks(before), self.looks(after)
        return bool(one & two) and all(len(x.split()) == 20 for x in one | two)

    def settled(self):
        looks = [self.looks("again-%d" % n) for n in range(1, ROUNDS + 1)]
        return all(len(x.split()) == 20 for round in looks for x in round) and any(a & b for a, b in zip(looks, looks[1:]))

    def seen(self, *names):
        return "\n".join("%s: %s" % (n, look) for n in names for look in sorted(self.looks(n))) + "\nstatus %d %s" % (self.status, self.err[-1500:])

def boot(script, stack="process", memory=512, timeout=60, options=()):
    """Runs the bash script in the guest, below the stack; SCRIPT is /tmp/stack-script."""
    with tempfile.TemporaryDirectory(prefix="stack.", dir="build") as work:
        for name, text in ("stack-script", SCRIPT), ("driver", PRELUDE + script):
            with open(work + "/" + name, "w") as f:
                f.write(text)
        r = subprocess.run(["boot/run", "--icount", "--memory", str(memory), "--timeout", str(timeout), "--stack", stack,
                            "--put", work + "/stack-script:/tmp/stack-script", "--put", work + "/driver:/tmp/driver", *options,
                            "--", "bash", "/tmp/driver"], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    return Result(r.returncode, r.stdout, r.stderr)
