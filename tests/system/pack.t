#!/usr/bin/env python3
"""The pack: a read-only file tree on the drive below the RAM file system (nesters/root/pack.h, tools/mkpack)."""
# Limit: 900
import os, random, re, shutil, subprocess, sys, tempfile
sys.path[:0] = ["tests", "tests/compare"]
sys.dont_write_bytecode = True
import compare
from hosttap import Tap
t = Tap()
work = tempfile.mkdtemp(prefix="pack.", dir="build")
tree, pack, drive, log = [work + "/" + n for n in ("tree", "pack", "drive", "log")]
LARGE = 6 << 20

def tool(*words):
    return subprocess.run(["tools/" + words[0], *words[1:]], capture_output=True, text=True)

def run(script, drive=None, qemu="", memory=96, more=(), stack="process"):
    """Status, output, errors, log of a shell script in the guest."""
    r = subprocess.run(["boot/run", "--stack", stack, "--icount", "--memory", str(memory), "--timeout", "60", "--log", log, "--qemu", qemu,
                        "--drive", drive or globals()["drive"] + ",snapshot=on", *more, "--", "bash", "-c", script],
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=500)
    return r.returncode, r.stdout.decode(errors="replace"), r.stderr.decode(errors="replace"), open(log, errors="replace").read()[:1500]

def put(path, data, mode=0o644):
    full = os.path.join(tree, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "wb") as f:
        f.write(data)
    os.chmod(full, mode)
    os.utime(full, (1600000000 + len(data), 1600000000 + len(data)))

# many small files, one of many clusters, links, what the tree in RAM has too
roll = random.Random(1)
for n in range(120):
    put("pack/many/%d/file%d" % (n % 7, n), roll.randbytes(roll.choice((0, 1, 100, 4095, 4096, 4097, 9000, 30000))))
put("pack/large", roll.randbytes(LARGE))
put("pack/text", b"a line of text\n" * 3000)
put("pack/program", open("build/tree-debian/bin/dash", "rb").read(), 0o755)
put("pack/set", b"x", 0o4750)
put("etc/passwd", b"hidden by the one in RAM\n")
put("usr/share/onlyhere", b"seen\n")
put("etc/profile/inside", b"a folder where RAM has a file\n")
os.symlink("../pack/text", tree + "/pack/link")
os.symlink("/nowhere", tree + "/pack/dangling")
os.link(tree + "/pack/text", tree + "/pack/hard")
os.makedirs(tree + "/pack/empty")

made = tool("mkpack", tree, pack)
same = tool("mkpack", tree, pack + "2")
def damaged(name, at, source=pack, bits=1):
    """A copy with one byte changed."""
    path = work + "/" + name
    shutil.copy(source, path)
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)
        f.seek(at)
        f.write(bytes([byte[0] ^ bits]))
    return path
size = os.path.getsize(pack)
wrong = [tool("mkpack", "--check", damaged("bad", at)).returncode for at in (3, 20, 4096 + 200, size - 5000)]
t.check("pack-01", "tools/mkpack makes the same pack of the same folder, finds it good, and one with a changed byte in head, index or data bad",
        made.returncode == 0 == same.returncode and open(pack, "rb").read() == open(pack + "2", "rb").read() and
        tool("mkpack", "--check", pack).returncode == 0 and wrong == [1] * 4 and "pack/many/3/file3" in tool("mkpack", "--list", pack).stdout,
        (made, wrong))
tool("mkdisk", drive, "swap:4M", "pack=" + pack)
start = int(re.search(r"pack .* sector (\d+)", tool("mkdisk", "--list", drive).stdout)[1]) * 512

# ---- drives that are not good
seen = []
for at, what in ((70, "header is damaged"), (start + 20, "`pack`: its head is damaged"), (start + 4096 + 300, "`pack`: its index is damaged")):
    status, out, err, _ = run("true", damaged("bad", at, drive))
    seen.append(status == 125 and what in err and err.count("\n") == 1)
with open(work + "/cut", "wb") as f:
    f.write(open(drive, "rb").read(os.path.getsize(drive) - 8192))
status, out, err, _ = run("true", work + "/cut")
seen.append(status == 125 and "cut off" in err)
tool("mkdisk", work + "/other", "swap:4M", "pack=LICENSE")
status, out, err, _ = run("true", work + "/other")
seen.append(status == 125 and "does not begin as a pack does" in err)
t.check("pack-02", "boot/run says what is wrong with a damaged, cut off or foreign drive and does not boot it", seen == [True] * 5, (seen, err))
status, out, err, said = run("true", "file:" + damaged("bad", start + 4096 + 300, drive))
t.check("pack-03", "root itself does not start on a damaged index, and says so", status == 126 and "the drive's pack: its index is damaged" in err,
        (status, err))

# ---- what is there
FIND = r"""cd %s; find pack \( -type d -printf "%%p %%y %%m\n" -o -printf "%%p %%y %%m %%s %%n %%l %%T@\n" \) | LC_ALL=C sort; find pack -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum"""
host = subprocess.run(["sh", "-c", "umask 022; " + FIND % tree], capture_output=True, text=True).stdout
host = re.sub(r"(?m)^(\S+ l .*) \S+$", r"\1", host)
status, out, err, _ = run(FIND % "/")
t.equal("pack-04", "names, kinds, modes, sizes, links, times and contents are those of the folder", re.sub(r"(?m)^(\S+ l .*) \S+$", r"\1", out), host)
status, out, err, _ = run("cat /usr/share/onlyhere; ls -d /usr/bin /usr/share/common-licenses; head -n 1 /etc/passwd; head -c 4 /etc/profile; "
                          "ls /etc/profile/inside; df / | tail -n 1 | wc -w")
t.check("pack-05", "what RAM has hides what the pack has, folders are one with both names in them",
        out.splitlines()[:5] == ["seen", "/usr/bin", "/usr/share/common-licenses", "root:x:0:0:root:/root:/bin/bash", "PATH6"], (out, err))

# ---- names change in RAM
SCRIPT = r"""
cd /pack; i=$(stat -c %i text); n=$(stat -c %i many)
[ $i = $(stat -c %i hard) ] && [ $(stat -c %h text) = 2 ] && echo links
rm hard; [ ! -e hard ] && [ $(stat -c %h text) = 1 ] && ! ls | grep -q hard && echo removed
echo new >hard; cat hard; rm hard
mv text moved; [ $(stat -c %i moved) = $i ] && ! [ -e text ] && cmp <(yes 'a line of text' | head -n 3000) moved && echo moved
ln moved again; [ $(stat -c %h moved) = 2 ] && echo linked
mv many /tmp/many && [ $(stat -c %i /tmp/many) = $n ] && [ $(find /tmp/many -type f | wc -l) = 120 ] && ! [ -e many ] && echo folder
mkdir many && [ -z "$(ls many)" ] && rmdir many && echo empty
rmdir /tmp/many 2>&1 | grep -o 'not empty'
rm -r /tmp/many && ! [ -e /tmp/many ] && echo gone
chmod 600 moved; touch -d @1000 moved; [ "$(stat -c '%a %Y' moved)" = '600 1000' ] && echo attributes
(exec 3<large; rm large; ! [ -e large ] && wc -c <&3)
[ $(readlink link) = ../pack/text ] && echo link
ls -a | tr '\n' ' '
"""
status, out, err, _ = run(SCRIPT)
t.equal("pack-06", "files and folders of the pack are removed, replaced, renamed, linked, changed; their numbers stay", (out, err),
        ("links\nremoved\nnew\nmoved\nlinked\nfolder\nempty\nnot empty\ngone\nattributes\n%d\nlink\n. .. again dangling empty link moved program set " % LARGE, ""))

# ---- data change in RAM
before = open(drive, "rb").read()
SCRIPT = r"""
cd /pack; exec 3<text 4<large; head -c 15 <&3
echo end >>text; tail -n 1 text; wc -c <text; head -c 15 <&3
printf XYZ | dd of=large bs=1 seek=3000000 conv=notrunc 2>/dev/null
cmp -l large <(dd if=/dev/fd/4 bs=64k 2>/dev/null) ; wc -c <large
truncate -s 70000 large; wc -c <large; truncate -s 80000 large; tail -c 10000 large | tr -d '\0' | wc -c
: >set; wc -c <set; cat >program <<<'echo replaced'; ./program
cp many/1/file1 /tmp/a; cat $(LC_ALL=C; echo many/*/*) | md5sum; for f in many/*/*; do echo >>$f; done; cat many/*/* | wc -c
stat -c '%s %b' text
"""
status, out, err, _ = run(SCRIPT, drive)
after = open(drive, "rb").read()
total = sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(tree + "/pack/many") for f in files)
lines = out.splitlines()
many = subprocess.run("cd %s/pack; LC_ALL=C; cat many/*/* | md5sum" % tree, shell=True, capture_output=True, text=True).stdout.strip()
t.check("pack-07", "a file that is written to is copied first, for those who have it open too; nothing is written to the drive",
        not err and lines == ["a line of text", "end", "45004", "a line of text", str(LARGE), "70000", "0", "0", "replaced",
        many, str(total + 120), "45004 88"] and before == after, (out, err, before == after))

# ---- damaged and unreadable data
place = before.find(b"a line of text\n" * 100)
status, out, err, said = run("cd /pack; cat text | wc -c; cat text >/dev/null; dd if=text bs=1000 count=45 2>&1 | tail -n 1; cat many/1/file1 | wc -c; echo end",
                             damaged("bad", place + 20000, drive))
t.check("pack-08", "data that do not have their sum are an error of the program that reads them, and said in the log",
        out.splitlines()[-1:] == ["end"] and "45000" not in out and "0 bytes copied" in out and err.count("Input/output error") == 2 and "are damaged" in said, (out, err, said))
large = before.find(open(tree + "/pack/large", "rb").read(64))
with open(work + "/blkdebug", "w") as f:
    f.write('[inject-error]\nevent = "read_aio"\nerrno = "5"\nsector = "%d"\nonce = "off"\n' % ((large + LARGE // 2) // 512))
SCRIPT = r"""cd /pack; dd if=large of=/dev/null bs=4096 count=600 2>&1 | tail -n 1 | cut -d' ' -f1; cat large 2>&1 >/tmp/got; s=$(stat -c %s /tmp/got)
[ $s -gt 2900000 ] && [ $s -lt 3200000 ] && cmp -n $s /tmp/got large && echo before; tail -c 1000000 large | wc -c; cat large >/dev/null; cat text | wc -c"""
status, out, err, said = run(SCRIPT, "blkdebug:%s/blkdebug:%s" % (work, drive))
t.check("pack-09", "a medium error is EIO for what touches it, when it reads and when it reads on; the rest is read",
        out.splitlines() == ["2457600", "cat: large: Input/output error", "before", "1000000", "45000"] and "Input/output error" in err, (out, err, said))
program = before.find(open(tree + "/pack/program", "rb").read(64))
status, out, err, said = run("/pack/program -c 'echo ran'; echo $?", damaged("bad", program + 40000, drive))
t.check("pack-10", "a page of a program's text that cannot be had is a bus error; the system goes on", "ran" not in out and re.search(r"135|126|127", out), (out, err))

# ---- the driver dies, memory is short
sums = subprocess.run("cd %s/pack; cat large many/*/* | md5sum" % tree, shell=True, capture_output=True, text=True).stdout
SCRIPT = r"""PATH=$PATH:/fluke/apps; cd /pack; (for i in 1 2 3 4 5 6; do diskfile restart; done) & cat large many/*/* | md5sum; wait"""
status, out, err, said = run(SCRIPT)
t.check("pack-11", "the driver is killed six times while all is read: nothing is lost", out == sums and said.count("is started again") == 6, (out, err, said))
put("pack/huge", roll.randbytes(60 << 20))
tool("mkpack", tree, pack)
tool("mkdisk", drive, "swap:4M", "pack=" + pack)
SCRIPT = r"""cd /pack; f() { while read n v u; do [ $n = MemFree: ] && echo $((v / 1024)); done </proc/meminfo; }; a=$(f)
md5sum <huge; md5sum <huge; [ $a -lt 58 ] && [ $((a - $(f))) -lt 3 ] && echo bounded
head -c $(((a - 10) * 1048576)) /dev/zero >/tmp/fill && [ $(stat -c %s /tmp/fill) = $(((a - 10) * 1048576)) ] && echo given back
rm /tmp/fill; md5sum <large"""
status, out, err, said = run(SCRIPT)
want = [subprocess.run(["md5sum"], stdin=open(tree + "/pack/" + n), capture_output=True, text=True).stdout for n in ("huge", "large")]
t.equal("pack-12", "60 MB are read through a bounded part of a small memory, which others get when they want it",
        (out, err), (want[0] * 2 + "bounded\ngiven back\n" + want[1], ""))

# ---- the comparison cases about files
cases = {i: c for i, c in compare.read_cases("file").items()}
if compare.linux_possible():
    linux = compare.run_linux("packfile", compare.staged("packfile-linux", cases))
else:
    linux, _ = compare.from_recording("file", cases)
shutil.rmtree(tree)
os.makedirs(tree)
shutil.copytree(compare.staged("packfile", cases), tree + "/compare", symlinks=True)
tool("mkpack", tree, pack)
tool("mkdisk", drive, "pack=" + pack)
r = subprocess.run(["boot/run", "--icount", "--memory", "384", "--timeout", "60", "--log", log, "--drive", drive + ",ro", "--",
                    "/bin/bash", "/compare/driver.sh"], stdin=subprocess.DEVNULL, capture_output=True)
guest = compare.parse(r.stdout)
differ = [i for i in cases if i not in linux or guest.get(i) != linux[i]]
t.check("pack-13", "the comparison cases about files, in a folder of the pack and with their data there, end as on Linux", len(cases) >= 25 and not differ,
        (differ, r.returncode, r.stderr.decode(errors="replace")[-500:]))
shutil.rmtree(work)
t.done()
