"""Commands for a gdb that comes to something that already runs: they ask until it is where they want it.  `source` this."""
import gdb, re

class WaitListed(gdb.Command):
    """wait-listed PID PATH: until `info os processes` has the process with that program."""
    def __init__(self):
        super().__init__("wait-listed", gdb.COMMAND_USER)

    def invoke(self, words, tty):
        while not re.search(r"^%s .*%s *$" % tuple(words.split()), gdb.execute("info os processes", to_string=True), re.M):
            pass

class AttachIn(gdb.Command):
    """attach-in PID FUNCTION: attached, and the function is among the callers of where it stands."""
    def __init__(self):
        super().__init__("attach-in", gdb.COMMAND_USER)

    def invoke(self, words, tty):
        pid, function = words.split()
        while True:
            gdb.execute("attach " + pid)
            if function in gdb.execute("backtrace", to_string=True):
                return
            gdb.execute("detach")

WaitListed()
AttachIn()
