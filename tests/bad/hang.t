#!/bin/sh
# A group that hangs: a case passes, another never ends, with a child in a session of its own that
# keeps the output open.  tests/host/run.t has it ended.  Its ids: "hang-01" "hang-02" "hang-03".
echo "ok 1 - hang-01 this one passes"
setsid sh -c 'echo $$ > "$HANG_PID"; sleep 1000; echo never' &
sleep 1000
