"""The papers' ladders: the same programs on stacks of nesters.  A row is PROGRAM@CONFIG; a config is K (root alone) and letters for
what lies on it, outermost first: K.M.P.T is a tracer in a process manager in a memory manager.  Up to the last P the stack is there
from the boot on, the rest is in front of the command.  Programs for the Fluke API run everywhere; forktest and compile are Linux programs,
which bring a P of their own where none is last, so their rows name that too.  compile has boots of its own, with the drive that gcc is on."""
import os, re, subprocess

LETTERS = {"P": "process", "M": "memory", "T": "trace -o /dev/null", "S": "scheduler rr", "C": "checkpoint", "D": "debug"}
NATIVE = ["memtest", "appel2", "matconn", "readtest"]
POSIX = ["forktest", "compile"]
TRACERS = ["K" + ".T" * n for n in range(5)]
STACKS = ["K.P", "K.M.P", "K.M.P.T", "K.C.M.P", "K.C.M.P.T", "K.M", "K.C", "K.S", "K.D", "K.D.P", "K.P.P.P.P"]
DEEP = ["K" + (".P.M.T.S" * 4)[:2 * depth] for depth in (2, 4, 8, 16)]	# matconn only
ROWS = ([p + "@" + c for c in TRACERS + STACKS for p in NATIVE] + ["matconn@" + c for c in DEEP] +
        [p + "@" + c + ("" if c.endswith("P") else ".P") for p in POSIX for c in TRACERS + STACKS])
ROWS = list(dict.fromkeys(ROWS))
MEMORY = 512
DRIVE = "build/drive.img,ro"
OUT = "build/bench"

def split(config):
    """(stack at boot, what stands before the command)"""
    letters = config.split(".")[1:]
    inside = len(letters) - letters[::-1].index("P") if "P" in letters else len(letters)
    return " ".join(LETTERS[c] for c in letters[:inside]), " ".join(LETTERS[c] for c in letters[inside:])

def command(program):
    return "/bench/" + program if program in POSIX else {"appel2": "/fluke/apps/appel 2"}.get(program, "/fluke/apps/" + program)

def boot(config, command, puts, log, more=()):
    """On the console, where nothing of the host comes in; the text that it says."""
    options = [w for p in puts for w in ("--put", p)] + list(more)
    r = subprocess.run(["boot/run", "--stack", split(config)[0], "--icount", "0", "--memory", str(MEMORY), "--timeout", "180", "--log", OUT + "/ladder.log",
                        *options, "--append", 'cmd="%s"' % command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
                       errors="replace")
    return r.stdout.replace("\r", "") if r.returncode == 0 else ""

def by_shell(config, programs, log):
    """One boot for the programs."""
    with open(OUT + "/ladder.sh", "w") as f:
        f.write("".join("%s %s\n" % (split(config)[1], command(p)) for p in programs))
    puts = [OUT + "/ladder.sh:/bench/ladder.sh"] + ["build/apps/linux/%s:/bench/%s" % (p, p) for p in programs if p in POSIX]
    return boot(config, "/bin/sh /bench/ladder.sh", puts, log, ["--drive", DRIVE] if "compile" in programs else [])

def measure(rows, log):
    """{row: (n, value, worst)} of those whose programs said that all was right."""
    found = {}
    for config in dict.fromkeys(r.split("@")[1] for r in rows):
        programs = [r.split("@")[0] for r in rows if r.split("@")[1] == config]
        if "P" in config:
            texts = [by_shell(config, some, log) for some in ([p for p in programs if p != "compile"], [p for p in programs if p == "compile"]) if some]
        else:
            texts = [boot(config, command(p), [], log) for p in programs]
        for text in texts:
            if not re.search(r"^\S+ wrong |^memtest [1-9]", text, re.M):
                found.update({m[1] + "@" + config: tuple(int(w) for w in m.groups()[1:]) for m in
                              re.finditer(r"^bench (\S+) (\d+) (\d+) (\d+)$", text, re.M) if m[1] in programs})
    return found

def base(row):
    """What the papers compare it with: K, or K.P where a P is needed."""
    program = row.split("@")[0]
    return program + ("@K.P" if program in POSIX else "@K")

def report(results):
    """A table in per cent of the speed on the base, and the rows that cost more than is aimed at."""
    lines, missed = ["%-24s" % "speed in % of K (K.P)" + "".join("%10s" % p for p in NATIVE + POSIX)], []
    for config in dict.fromkeys(r.split("@")[1] for r in results if "@" in r):
        cells = ""
        for program in NATIVE + POSIX:
            row = program + "@" + config
            if row not in results or base(row) not in results:
                cells += "%10s" % ""
                continue
            cells += "%10.2f" % (100.0 * results[base(row)][1] / results[row][1])
        lines.append("%-24s" % (config if len(config) < 24 else "K.(P.M.T.S)*%d" % (len(config.split(".")) // 4)) + cells)
    return lines
