#== calls-01 reading, writing, descriptors: each call by its number succeeds and fails as on Linux
/compare/bin/calls files
#== calls-02 names, links, attributes
/compare/bin/calls names
#== calls-03 processes, identities, limits
/compare/bin/calls process
#== calls-04 signals and interval timers
/compare/bin/calls signals
#== calls-05 clocks, sleeping, polling, futexes
/compare/bin/calls time
#== calls-06 memory
/compare/bin/calls memory
#== calls-07 the rest
/compare/bin/calls misc
#== calls-08 signals in the middle of transfers on a pipe lose and double no byte
/compare/bin/transfers pipe
/compare/bin/transfers pipe restart
#== calls-09 the same between threads of one process, and after vfork and exec
/compare/bin/transfers threads
/compare/bin/transfers fork restart
#== calls-10 signals in the middle of wait, and of opens of FIFOs that wait for their partner
/compare/bin/transfers wait
/compare/bin/transfers fifo restart
#== calls-11 maps, environment and arguments of another process
FRUIT=plum sleep 1000 &
until grep -q 'rw.*libc' /proc/$!/maps && grep -q heap /proc/$!/maps; do :; done
gawk '$6 && $6 !~ /^.v/ { n = split($6, part, "/"); print $2, part[n] }' /proc/$!/maps | sort -u
tr '\0' '\n' < /proc/$!/environ | grep FRUIT
tr '\0' '\n' < /proc/$!/cmdline
kill $!
#== calls-12 a lock on a file that waits, under signals: two processes take turns, nobody in between
/compare/bin/transfers lock
/compare/bin/transfers lock restart
rm -f lock
#== calls-13 flock waits, is tried, goes with the descriptor
exec 9> lock
busybox flock 9; (exec 8> lock; busybox flock -n 8; echo tried $?)
(exec 8> lock; busybox flock 8; echo got it; echo second >> turns) & sleep 0.3
echo first >> turns; exec 9>&-; wait; cat turns
#== calls-14 a record lock is its process's: seen by others and refused to them, through whichever description; not inherited by fork
/compare/bin/locks owner
#== calls-15 the close of any descriptor of the file drops the process's record locks
/compare/bin/locks close
#== calls-16 record locks over exec: kept, but for the files that it closes
/compare/bin/locks exec
#== calls-17 record locks end with their process
/compare/bin/locks end
#== calls-18 ranges of record locks: cut, joined, relative, far
/compare/bin/locks ranges
#== calls-19 errors of locks
/compare/bin/locks errors
#== calls-20 record locks that wait, are interrupted, are shared
/compare/bin/locks wait
#== calls-21 a circle of processes that wait for each other's locks is refused
/compare/bin/locks circle
#== calls-22 flock's locks are the description's and do not meet record locks
/compare/bin/locks flock
#== calls-23 F_OFD_SETLK's are the description's too, and do meet them
/compare/bin/locks ofd
