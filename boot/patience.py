"""How long to wait for a process: its own time, in which the machine's load does not count.

A guest that waits for its turn on a busy host makes no progress and has not hung either.  The
kernel counts for each thread how long it was ready and had no processor; that is taken off."""
import glob, os, time

def starved(pid):
    """Seconds that the thread of pid which waited longest was ready without a processor."""
    worst = 0
    for f in glob.glob("/proc/%d/task/*/schedstat" % pid):
        try:
            worst = max(worst, int(open(f).read().split()[1]))
        except (OSError, IndexError):		# the thread has just ended
            pass
    return worst / 1e9

def load():
    """By how much everything takes longer now, at least 1."""
    return max(1, os.getloadavg()[0] / (os.cpu_count() or 1))

class Patience:
    def __init__(self, pid, limit):
        self.pid, self.limit = pid, limit
        self.again()

    def again(self):
        """Something has happened."""
        self.start, self.before = time.monotonic(), None

    def over(self):
        """To be asked once a second or more often."""
        waited = time.monotonic() - self.start
        if waited < 0.5:			# the busy case is cheap
            return False
        if self.before is None:
            self.before = starved(self.pid)
        return waited > self.limit and waited - (starved(self.pid) - self.before) > self.limit
