"""A hundred programs that say when something of them is not what it was, and how they are checkpointed, destroyed and
restored at instants of their own run.  Used by nest/checkpoint-truth and nest/checkpoint-long."""
import os, random, re, shlex, subprocess

KINDS = ("fpu", "files", "pipes", "threads", "scripts")

def sh(text):
    return ["bash", "-c", "echo begin; " + text + "; echo end"]

def fpu(n):
    if n < 14:
        return ["selfcheck", "fpu" if n % 2 else "memory", str(n)]
    return ["gawk", "-v", "n=%d" % n, 'BEGIN { print "begin"; fflush(); x = n / 7; for (i = 1; i <= 24; i++) { for (k = 1; k <= 900; k++) { x += sin(k * n) / '
            '(1 + sqrt(k)); y += exp(-x * x) * atan2(k, x) } printf "%d %.15g %.15g\\n", i, x, y; fflush() } }']

def files(n):
    d = "/tmp/files%d" % n
    return sh((
        "mkdir -p {d}; cd {d}; exec 4>log 5<>both; for i in 1 2 3 4 5 6 7 8; do echo line $((i * {n})) >&4; echo $i {n} >>more; "
        "read -r last < <(tail -n 1 more); echo step $i $last; done; cksum <log; wc -l <more; rm -r {d}",
        "mkdir -p {d}; cd {d}; exec 6>gone 7<gone; rm gone; for i in 1 2 3 4 5 6 7 8; do echo $((i + {n})) >&6; read -r x <&7; "
        "echo got $x; done; cd /; rm -r {d}",
        "mkdir -p {d}/a/b; cd {d}; for i in 1 2 3 4 5 6; do seq $((i * {n})) >a/$i; mv a/$i a/b/$i; cksum <a/b/$i; done; ls a/b; cd /; rm -r {d}",
        "mkdir -p {d}; cd {d}; seq 400 >in; exec 3<in; for i in 1 2 3 4 5 6 7 8; do for k in {{1..{n}}} {{1..20}}; do read -r x <&3; done; echo $x; "
        "done; cd /; rm -r {d}")[n % 4].format(d=d, n=n + 1))

def pipes(n):
    return sh((
        "for i in 1 2 3 4 5 6; do seq $((i * {n})) | sort -r | while read -r x; do echo $((x * 3)); done | tail -n 2; done",
        "trap 'echo caught $((++c))' USR1; for i in {{1..80}}; do kill -USR1 $$; ((i % 8)) || echo sent $i {n}; done; echo $c",
        "coproc cat; for i in 1 2 3 4 5 6 7 8; do echo word $i {n} >&${{COPROC[1]}}; read -r x <&${{COPROC[0]}}; echo back $x; done",
        "echo go; seq {n}0 | while read -r x; do case $x in *7) echo $x;; esac; done; (sleep 0.03 & p=$!; kill $p; wait $p; "
        "echo ended $?); (trap '' TERM; kill $BASHPID; echo still here)")[n % 4].format(n=n + 2))

def threads(n):
    return ["selfcheck", ("threads", "rpc")[n % 5 == 4], str(n)] if n < 10 else ["ring", str(n)]

def scripts(n):
    return sh((
        "f() {{ (($1 < 2)) && r=$1 || {{ f $(($1 - 1)); local a=$r; f $(($1 - 2)); r=$((a + r)); }}; }}; for i in {{1..12}}; do f $i; echo fib $i $r {n}; done",
        "declare -A a; for i in {{1..80}}; do a[$((i * {n} % 37))]+=$i,; ((i % 8)) || echo ${{#a[@]}} ${{a[$((i % 37))]:-none}}; done",
        "for i in 1 2 3 4 5 6; do x=$(printf '%s\\n' {{a..k}} | shuf --random-source=<(yes {n}$i) | tr -d '\\n'); echo $i ${{x^^}} ${{x:2:4}}; done",
        "s=0; for i in {{1..400}}; do ((s = (s * 31 + i * {n}) % 65521)); ((i % 40)) || echo sum $s; done; echo $s | sed 's/./& /g'",
        "for j in 1 2 3; do (sleep 0.0$j; echo job $j {n}) & done; wait; for i in 1 2 3; do sleep 0.01; echo tick $i; done")[n % 5].format(n=n + 3))

def programs():
    """(name, words, native)"""
    made = {"fpu": fpu, "files": files, "pipes": pipes, "threads": threads, "scripts": scripts}
    return [("%s-%d" % (k, n), made[k](n)) for n in range(20) for k in KINDS]

def boot(script, options=(), memory="128"):
    """The text that each program of the script has written, by its name, and status."""
    r = subprocess.run(["boot/run", "--icount", "--timeout", "120", "--memory", memory, "--put", "build/tests/posix/ring:/bin/ring", *options,
                        "--", "bash", "-c", "cd /tmp; export LC_ALL=C\n" + script], stdin=subprocess.DEVNULL, capture_output=True, timeout=1500)
    parts = re.split(r"^=== (\S+) (\S+)\n", r.stdout.decode(errors="replace"), flags=re.M)
    return {parts[i]: (parts[i + 1], parts[i + 2]) for i in range(1, len(parts) - 2, 3)}, r.stderr.decode(errors="replace")

def one(name, words, options):
    """A command of the script: output between markers; a line of the checkpointer's among it tells where it was."""
    return "checkpoint -v %s %s >out 2>&1; echo === %s $?; cat out\n" % (options, " ".join(map(shlex.quote, words)), name)

def split(text):
    """The program's own lines; how many restores lay between its first and its last; images, restores, failures, microseconds."""
    own, at = [], []
    for line in text.splitlines(True):
        if line.startswith("checkpoint: "):
            at += [len(own)] * line.startswith("checkpoint: restored in ")
        else:
            own.append(line)
    m = re.search(r"taken (\d+) restored (\d+) failed (\d+), ran (\d+) us", text)
    return "".join(own), sum(0 < n < len(own) for n in at), [int(x) for x in m.groups()] if m else [0, 0, 0, 0]

def reference(list, starts):
    """name -> (output, status, microseconds from where instants are drawn, to where)."""
    seen, err = boot("".join(one(name, words, "") for name, words in list))
    found = {}
    for name, words in list:
        status, text = seen.get(name, ("none", err))
        output, _, counts = split(text)
        found[name] = (output, status, starts[words[0]] if counts[3] > starts[words[0]] else 0, counts[3])
    return found

def start_times():
    """How long each kind of program runs before its first output, about."""
    least = {"bash": ["bash", "-c", "echo"], "gawk": ["gawk", "BEGIN { print }"], "ring": ["ring"], "selfcheck": ["selfcheck", "none", "1"]}
    seen, err = boot("".join(one(name, words, "") for name, words in least.items()))
    times = {name: split(seen[name][1])[2][3] for name in least}
    times["ring"] = times["bash"] * 9 // 10		# a static program; its manager takes most of the time
    return times

def instants(seed, name, start, end, count):
    draw = random.Random("%s %s" % (seed, name))
    end -= (end - start) // 20			# its manager's own end
    return sorted(draw.randrange(start, max(end, start + count * 10)) for _ in range(count))

class Result:
    def __init__(self):
        self.wrong, self.restores, self.inside, self.images, self.failed, self.programs = [], 0, 0, 0, 0, 0

    def merge(self, other):
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def add(self, name, seen, wanted):
        status, text = seen if seen else ("none", "")
        output, inside, counts = split(text)
        self.programs += 1
        self.restores += counts[1]
        self.inside += inside
        self.images += counts[0]
        self.failed += counts[2]
        if (output, status) != wanted[:2]:
            self.wrong.append("%s: status %s:\n%s\nwanted %s:\n%s" % (name, status, text[-3000:], wanted[1], wanted[0][-1500:]))

def same_boot(list, wanted, seed, count):
    """Each at `count` instants, all in one boot."""
    result = Result()
    script = ""
    for name, words in list:
        at = instants(seed, name, wanted[name][2], wanted[name][3], count)
        script += one(name, words, "-c -a " + ",".join(map(str, at)))
    seen, err = boot(script)
    for name, _ in list:
        result.add(name, seen.get(name), wanted[name])
    if len(seen) < len(list):
        result.wrong.append(err[-2000:])
    return result

def other_boot(list, wanted, seed, drive):
    """Each once: begun in one boot, gone on with in another."""
    subprocess.run(["tools/mkdisk", drive, *("i%d:3M" % n for n in range(len(list)))], check=True)
    result, first, second = Result(), "", ""
    for n, (name, words) in enumerate(list):
        at = instants(seed, name, wanted[name][2], wanted[name][3], 1)
        first += one(name, words, "-l -f disk:i%d -a %d" % (n, at[0]))
        second += one(name, [], "-r -f disk:i%d" % n)
    begun, err1 = boot(first, ["--drive", drive])
    ended, err2 = boot(second, ["--drive", drive])
    for name, _ in list:
        one_part, other = begun.get(name, ("none", err1)), ended.get(name, ("none", err2))
        if "taken 0" in one_part[1]:		# it had ended before
            result.programs += 1
            continue
        if split(one_part[1])[0] and split(other[1])[0]:
            result.inside += 1
        text = split(one_part[1])[0] + "".join(l for l in other[1].splitlines(True) if not l.startswith("checkpoint: restored"))
        result.add(name, (other[0], text), wanted[name])
    return result
