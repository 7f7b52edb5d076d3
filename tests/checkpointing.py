"""A hundred programs that say when something of them is not what it was, and how they are checkpointed, destroyed and
restored at instants of their own run.  Used by nest/checkpoint-truth."""
import os, random, re, subprocess

KINDS = ("fpu", "files", "pipes", "threads", "scripts")

def sh(text):
    return ["bash", "-c", "echo begin; " + text + "; echo end"]

def fpu(n):
    if n < 14:
        return ["selfcheck", "fpu" if n % 2 else "memory", str(n)]
    return ["gawk", "-v", "n=%d" % n, 'BEGIN { print "begin"; fflush(); x = n / 7; for (i = 1; i <= 24; i++) { for (k = 1; k <= 900; k++) { x += sin(k * n) / '
            '(1 + sqrt(k)); y += cos(x) * atan2(k, x) } printf "%d %.15g %.15g\\n", i, x, y; fflush() } }']

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

def boot(words, options, drive=None):
    """One program below a checkpointer of those options; its output with the checkpointer's lines among it, and status."""
    native = words[:1] == ["selfcheck"]
    command = ["/fluke/apps/selfcheck", *words[1:]] if native else words or ["restored"]
    r = subprocess.run(["boot/run", "--icount", "--timeout", "60", "--stack", "checkpoint -v " + options + (" process" if words and not native else ""),
                        "--put", "build/tests/posix/ring:/bin/ring", *(["--drive", drive] if drive else []), "--", *command],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ, LC_ALL="C"), timeout=600)
    return str(r.returncode), r.stdout.decode(errors="replace")

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
    found = {}
    for name, words in list:
        status, text = boot(words, "")
        output, _, counts = split(text)
        found[name] = (output, status, min(starts[words[0]], counts[3] // 2), counts[3])
    return found

def start_times():
    """How long each kind of program runs before its first output, about."""
    least = {"bash": ["bash", "-c", "echo"], "gawk": ["gawk", "BEGIN { print }"], "selfcheck": ["selfcheck", "none", "1"]}
    times = {name: split(boot(words, "")[1])[2][3] for name, words in least.items()}
    times["ring"] = times["bash"]
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
    """Each at `count` instants, destroyed and restored in its boot."""
    result = Result()
    for name, words in list:
        at = instants(seed, name, wanted[name][2], wanted[name][3], count)
        result.add(name, boot(words, "-c -a " + ",".join(map(str, at))), wanted[name])
    return result

def other_boot(list, wanted, seed, drive):
    """Each once: begun in one boot, gone on with in another."""
    result = Result()
    for name, words in list:
        subprocess.run(["tools/mkdisk", drive, "image:4M"], check=True)
        for draw in range(4):		# an instant at which it had already ended does not count
            at = instants(seed + draw, name, wanted[name][2], wanted[name][3], 1)
            begun = boot(words, "-l -t -f disk:image -a %d" % at[0], drive)
            if "taken 0 " not in begun[1]:
                break
        ended = boot([], "-r -f disk:image", drive)
        first, second = split(begun[1])[0], split(ended[1])[0]
        result.programs += 1
        result.inside += bool(first and second)
        if (first + second, ended[0]) != wanted[name][:2]:
            result.wrong.append("%s:\n%s\nthen status %s:\n%s\nwanted %s:\n%s" % (name, begun[1][-1500:], ended[0], ended[1][-1500:],
                                wanted[name][1], wanted[name][0][-1500:]))
    return result
