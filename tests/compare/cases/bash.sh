#== bash-01 pipelines and their statuses
false | true; echo $?; set -o pipefail; false | true; echo $?; true | (exit 3) | cat; echo $? "${PIPESTATUS[@]}"; ! true; echo $?; seq 100000 | head -1; echo "${PIPESTATUS[@]}"
#== bash-02 subshells keep their own variables and directory
x=1; (x=2; cd /; echo $x $PWD); echo $x; [ "$PWD" != / ] && echo stayed; y=$(x=5; echo $x); echo $x $y; (exit 7); echo $?; { x=9; }; echo $x; echo $BASH_SUBSHELL; (echo $BASH_SUBSHELL; (echo $BASH_SUBSHELL))
#== bash-03 here-documents and here-strings
a=value; cat <<X
plain $a $((1+2)) \$a
X
cat <<'X'
quoted $a
X
cat <<-X
	tabs $a
	X
tr a-z A-Z <<< "string $a"; wc -c <<< "$(seq 1000)"; while read l; do n=$((n+1)); done <<X
1
2
3
X
echo $n; cat <<X | tac; cat << Y
first
X
second
Y
#== bash-04 a large here-document and a large here-string
s=$(head -2000 $D/lines.txt); md5sum <<< "$s"; cat <<X | md5sum
$s
$s
X
wc -l <<X
$s
X
read -r -d '' t <<X
$s
X
echo ${#t} ${#s}
#== bash-05 indexed arrays
a=(one two "three four"); echo ${#a[@]} "${a[2]}" "${!a[@]}"; a+=(five); a[10]=ten; echo "${!a[@]}"; unset 'a[1]'; for x in "${a[@]}"; do echo "<$x>"; done; b=("${a[@]:1:2}"); echo "${b[@]}"; echo "${a[@]/o/0}" "${a[@]^^}"; mapfile -t l < $L/BSD; echo ${#l[@]} "${l[3]}"; printf '%s,' "${a[-1]}" "${a[@]: -2}"; echo
#== bash-06 associative arrays count words
declare -A c; while read -r _ w _; do ((c[$w]++)); done < <(head -5000 $D/lines.txt); for w in "${!c[@]}"; do echo "$w ${c[$w]}"; done | sort | head -20; echo ${#c[@]}; [[ -v c[the] ]] && echo there; unset 'c[the]'; [[ -v c[the] ]] || echo gone; declare -p c | wc -w
#== bash-07 parameter expansion
p=/usr/local/lib/libx.so.1.2; echo ${p##*/} ${p%/*} ${p%%.*} ${p#*.} ${p/lib/LIB} ${p//l/L} ${#p} ${p:5:5} ${p: -3}; echo ${u:-default} ${u:=set} $u ${u:+plus} ${nope-}; (: ${missing:?is needed}); echo $?; v=abc; echo ${v^} ${v^^} ${v@Q} ${v/#a/A} ${v/%c/C}; n=v; echo ${!n} ${!v*}; set -- a b c; echo ${@:2} ${*: -1} $# "${@@Q}"
#== bash-08 arithmetic
echo $((2**10)) $((17/5)) $((-17%5)) $((0x1f + 017 + 2#101)) $((1<<20|3)) $((5>3?10:20)); i=5; ((i+=3, i*=2)); echo $i $((i++)) $i $((--i)); let 'j = i % 7'; echo $j; ((0)); echo $?; (echo $((1/0))); echo $?; for ((k=0; k<5; k++)); do printf '%d ' $((k*k)); done; echo; echo $((9223372036854775807 + 1))
#== bash-09 functions, locals, recursion, returns
fib() { local n=$1; ((n < 2)) && { echo $n; return; }; echo $(($(fib $((n-1))) + $(fib $((n-2))))); }; fib 9; f() { local x=inner; g; return 5; }; g() { echo $x; x=changed; }; x=outer; f; echo $? $x; h() { echo "$FUNCNAME $# $1"; shift; echo "$*"; }; h a b c; declare -F f; unset -f g; g 2>/dev/null; echo $?; r() { [ $1 = 0 ] || r $(($1-1)); }; r 500; echo deep
#== bash-10 loops, case, select by patterns
shopt -s extglob
for w in apple banana cherry; do case $w in a*) echo A;; *n*) echo N;& c?erry) echo C;; esac; done; i=0; while :; do ((++i > 5)) && break; ((i % 2)) && continue; echo $i; done; until ((i == 0)); do ((i--)); done; echo $i; for i in 1 2; do for j in 1 2; do [ $j = 2 ] && continue 2; echo $i$j; done; done; case foobar in @(foo|bar)*(bar)) echo ext;; esac; [[ abc == a*([!x])c ]] && echo yes
#== bash-11 conditions with [[
[[ abc < abd && -n x || -z x ]] && echo 1; [[ 2024-05-06 =~ ^([0-9]+)-([0-9]+) ]] && echo "${BASH_REMATCH[@]}"; [[ a = [a-c] ]] && echo 2; [[ 10 -gt 9 ]] && echo 3; [[ ! -e /none ]] && echo 4; x='a b'; [[ $x == 'a b' ]] && echo 5; [ a = a -a b != c ] && echo 6; [ "" ] || echo 7; test 1 -eq 1 -o 1 -eq 2 && echo 8; [ 1 -eq x ]; echo $?
#== bash-12 traps on EXIT, ERR, DEBUG and signals
(trap 'echo exit $?' EXIT; exit 4); echo $?; (trap 'echo usr1' USR1; kill -USR1 $BASHPID; echo after); (trap 'echo term; exit 9' TERM; kill $BASHPID; sleep 5); echo $?; (trap 'echo err $?' ERR; false; true; (exit 3)); (trap '' INT; kill -INT $BASHPID; echo ignored); trap 'echo hup' HUP; trap -p HUP; trap - HUP; (kill -HUP $BASHPID); echo $?; f() { trap 'echo ret' RETURN; }; f; g() { trap 'echo exit in function' EXIT; }; (g)
#== bash-13 background jobs and wait
(sleep 0.2; exit 3) & a=$!; (sleep 0.1; exit 5) & b=$!; wait $a; echo $?; wait $b; echo $?; wait; echo $?; for i in 3 1 2; do (sleep 0.$i; echo $i) & done; wait; sleep 0.1 & wait -n; echo $?; wait 999999; echo $?; (exit 6) & wait $!; echo $?; wait; { sleep 0.1; echo out; } & wait %%; jobs | wc -l; echo done
#== bash-14 job control in a script
set -m; sleep 5 & jobs | sed 's/ *$//'; kill -STOP %1; sleep 0.2; jobs | tr -s ' '; kill -CONT %1; sleep 0.1; jobs -r | wc -l; kill %1; wait %1 2>/dev/null; echo $?; (sleep 0.1; exit 3) & fg %+ >/dev/null; echo $?; sleep 3 & sleep 4 & jobs | wc -l; kill %% %-; wait 2>/dev/null; jobs > /dev/null; disown -a; echo end
#== bash-15 kill and its statuses
sleep 10 & kill -9 $!; wait $! 2>/dev/null; echo $?; sleep 10 & kill -TERM $!; wait $! 2>/dev/null; echo $?; kill -0 $$ && echo alive; kill -0 99999; echo $?; kill -l 9 15 17; kill -l TERM; bash -c 'kill -SEGV $$'; echo $?; bash -c 'kill -ABRT $$' 2>/dev/null; echo $?; (kill -USR2 $BASHPID); echo $?; kill -NOSUCH 1; echo $?
#== bash-16 set -e, -u, -x, -o noclobber
(set -e; true; false; echo no); echo $?; (set -e; false || true; if false; then :; fi; echo yes; ! true; echo yes2); (set -u; echo $undefined_here; echo no); echo $?; (set -x; echo a b; x=1) 2>&1; echo a > f; (set -C; echo b > f; echo $?; echo c >| f); cat f; (set -f; echo *); (set -n; echo no); set -o | grep -c on; f() { set -e; false; echo never; }; (f); echo $?
#== bash-17 large command substitutions
s=$(cat $D/lines.txt); echo ${#s}; echo "$s" | md5sum; t=$(seq 100000); set -- $t; echo $# $1 ${100000}; x=$(printf 'a\n\n\n'); echo "${#x}"; y=$(< $L/BSD); echo ${#y}; z=`echo \`echo nested\``; echo $z; w=$(head -c 1000 $D/binary.bin | tr -d '\0' 2>/dev/null | wc -c); echo $w
#== bash-18 globs and brace expansion
shopt -s extglob
mkdir d; touch d/{a..e}{1..3}.{c,h}; echo d/*.c | wc -w; echo d/[a-b]?.h; echo d/!(*c); shopt -s extglob nullglob globstar dotglob; echo d/!(*.c) | wc -w; echo none*; touch d/.hidden; echo d/* | wc -w; echo **/*1.c; echo {1..10..3} {z..w} {a,b}{1,2} pre{,x}post; shopt -u nullglob; echo none*; (shopt -s failglob; echo none*; echo no); echo $?; shopt -s nocaseglob; echo D/A1.C d/A1.C
#== bash-19 globs over ten thousand names
mkdir d; cd d; for i in {1..10000}; do : > n$i; done; set -- *; echo $#; set -- *99; echo $#; n=0; for f in n*0; do n=$((n+1)); done; echo $n; echo n99? | md5sum; rm n[1-8]*; ls | wc -l; a=(*); echo ${#a[@]} ${a[0]}; rm *; ls
#== bash-20 redirections of every kind
echo out > f; echo err >&2 2> e; { echo a; echo b >&2; } > o 2>&1; cat o; { echo a; echo b >&2; } 2>&1 > o2 | sed 's/^/pipe /'; cat o2; echo x &> both; echo y &>> both; cat both; exec 5> five; echo to5 >&5; exec 5>&-; cat five; echo no >&5; echo $?; cat < none; echo $?; exec 6<&0; cat <&6; exec 6<&-; echo z >> f; cat f; : <> rw; ls; exec {fd}> auto; echo $fd; [ $fd -ge 10 ] && echo "moved" >&$fd; exec {fd}>&-; cat auto; cat o - <<< in
#== bash-21 read in its forms
printf 'a b c\nd\\e f\n' | { read x y; echo "$x|$y"; read -r z; echo "$z"; read w; echo $? "[$w]"; }; IFS=: read -r u p i g n h s < /etc/passwd; echo $u $i $h $s; read -n 3 t <<< abcdef; echo $t; read -d : -a arr <<< 'p q r:s'; echo ${arr[@]} ${#arr[@]}; read -t 0.1 nothing < <(sleep 1); echo $(( $? > 128 )); while IFS=, read -ra f; do echo ${#f[@]} ${f[1]}; done <<< $'1,2,3\n4,5'; echo -n tail | while read l || [ -n "$l" ]; do echo "got $l"; done; read -N 5 -r five < $L/BSD; echo "$five"
#== bash-22 printf and echo
printf '%5d|%-5d|%05d|%x|%o|%e|%.3f|%s|%q\n' 42 42 42 255 8 12345.678 3.14159 str 'a b$'; printf '%s-%s\n' 1 2 3; printf '%b\n' 'a\tb\x41\u00e9'; printf -v v '%03d' 7; echo $v; echo -e 'a\nb\c' ; echo; echo -n x; echo 'a\nb'; printf '%(%Y)T\n' 0; printf '%d\n' abc; echo $?; printf '%c%c\n' hello w; printf '%*d|%-*d|\n' 6 1 6 2; printf '\\%%\101\n'
#== bash-23 process substitution and coprocesses
diff <(seq 5) <(seq 2 6); cat <(echo a) <(echo b); while read l; do n=$((n+l)); done < <(seq 10); echo $n; coproc C { while read x; do echo "got $x"; done; }; echo one >&${C[1]}; read r <&${C[0]}; echo $r; eval "exec ${C[1]}>&-"; wait $C_PID; echo $?; tee >(cat > a) >(wc -c > b) > /dev/null < $L/BSD; sleep 0.3; cmp a $L/BSD && cat b; coproc cat; echo through >&${COPROC[1]}; read y <&${COPROC[0]}; echo $y; kill $COPROC_PID
#== bash-24 SIGPIPE ends a writer
yes | head -3; echo ${PIPESTATUS[0]}; (trap '' PIPE; yes 2>/dev/null; echo "status $?" >&2) | head -1; seq 1000000 | sed 2q; echo ${PIPESTATUS[*]}; { echo 1; sleep 0.2; echo 2; echo "wrote $?" >&2; } | read x; echo "$? $x"; cat $D/lines.txt | true; echo ${PIPESTATUS[0]}; bash -c 'yes; echo never' | head -c 10; (exec 1>&-; echo x); echo $?
#== bash-25 exec, command, builtin, type, hash, PATH
(exec echo replaced; echo no); (exec no_such_command; echo no); echo $?; command -v ls cd; type -t ls cd if f 2>/dev/null; ls() { echo function; }; ls; command ls -d /; unset -f ls; mkdir bin; printf '#!/bin/sh\necho mine\n' > bin/mine; mine; echo $?; chmod +x bin/mine; PATH=$PWD/bin:$PATH; mine; hash | grep -c mine; builtin echo b; (PATH=; ls; echo $?); ./bin; echo $?; enable -n echo; echo e; enable echo; touch plain; ./plain; echo $?
#== bash-26 environment of children
export A=1; B=2 bash -c 'echo $A $B'; echo ${B-unset}; env -i /bin/bash --norc -c 'env | sort'; env -u A bash -c 'echo ${A-none}'; C=3; bash -c 'echo ${C-hidden}'; export -n A; bash -c 'echo ${A-none}'; declare -rx R=ro; bash -c 'echo $R'; (R=x); echo $?; f() { echo exported; }; export -f f; bash -c f; printenv HOME; x=$(head -c 100000 /dev/zero | tr '\0' x) bash -c 'echo ${#x}'; env - A=1 B=2 env
#== bash-27 long argument lists
a=$(printf 'a%.0s' {1..1000}); set --; for i in {1..100}; do set -- "$@" $a; done; /bin/echo "$@" | wc; /usr/bin/printf '%s\n' {1..20000} | md5sum; big=$(head -c 200000 /dev/zero | tr '\0' x); /bin/echo $big 2>&1 | tail -c 30; echo "${PIPESTATUS[0]}"; seq 50000 | xargs echo | wc -l | sed 's/[0-9]*/lines/'; echo {1..30000} | wc -w
#== bash-28 eval, indirection, namerefs, source
eval 'x=1; echo $x'; n=y; eval "$n=5"; echo $y; declare -n ref=z; ref=7; echo $z; echo 'echo sourced $1 $#; return 3; echo no' > s; . ./s arg; echo $?; source s; bash s 2>/dev/null; echo $?; cmd='echo a   b'; $cmd; eval "$cmd"; set -- 1 2; . ./s; echo $#; printf 'v=from_file\n' > v.sh; . ./v.sh; echo $v; . ./missing; echo $?; eval 'if'; echo $?; eval "$(echo 'echo deep | tr a-z A-Z')"
#== bash-29 syntax errors and their messages
bash -c 'if true; then'; echo $?; bash -c 'echo "unclosed'; echo $?; bash -c 'case x in'; echo $?; bash -c ')'; echo $?; bash -n -c 'for'; echo $?; bash -c 'echo ok; fi'; echo $?; bash /no/such/script; echo $?; bash -c 'x=(1 2'; echo $?; bash -c 'nosuchcommand'; echo $?; bash -c '/'; echo $?; bash -o nosuch; echo $?
#== bash-30 getopts and option loops
f() { local OPTIND o; while getopts ':ab:c' o; do case $o in a|c) echo $o;; b) echo b=$OPTARG;; :) echo need $OPTARG;; ?) echo bad $OPTARG;; esac; done; shift $((OPTIND-1)); echo rest "$@"; }; f -a -b val -c x y; f -ab; f -z; f -acb v -- -a; g() { while [ $# -gt 0 ]; do case $1 in --long=*) echo ${1#*=};; --) shift; break;; -*) echo opt $1;; *) break;; esac; shift; done; echo "$@"; }; g --long=v -x file -y
#== bash-31 string work in pure bash
s='The quick brown fox'; for ((i=${#s}-1; i>=0; i--)); do r+=${s:i:1}; done; echo $r; w=($s); echo ${w[@]: -1} ${#w[@]}; IFS=-; echo "${w[*]}"; unset IFS; while [[ $s =~ ([a-z]+)(.*) ]]; do echo -n "${BASH_REMATCH[1]}."; s=${BASH_REMATCH[2]}; done; echo; printf '%s\n' "${w[@],,}" "${w[@]^}"; t=$'tab\there'; echo "${t@Q}"; [[ $t == *$'\t'* ]] && echo tab; printf '%d ' "'A" "'z"; printf '\\x%x' 65; echo; x=007; echo $((10#$x + 1))
#== bash-32 sieve and sort in bash itself
n=2000; for ((i=2; i<=n; i++)); do p[i]=1; done; for ((i=2; i*i<=n; i++)); do ((p[i])) && for ((j=i*i; j<=n; j+=i)); do p[j]=0; done; done; c=0; for ((i=2; i<=n; i++)); do ((p[i])) && ((c++)); done; echo $c; a=(5 3 9 1 7); for ((i=0; i<5; i++)); do for ((j=0; j<4; j++)); do ((a[j] > a[j+1])) && { t=${a[j]}; a[j]=${a[j+1]}; a[j+1]=$t; }; done; done; echo ${a[@]}; h=0; while read -r l; do for ((k=0; k<${#l}; k+=7)); do ((h = (h * 31 + ${#l} + k) % 1000003)); done; done < $L/BSD; echo $h
#== bash-33 three hundred children, one after another and together
for i in {1..150}; do /bin/true || echo bad; done; for i in {1..100}; do (exit $((i % 7))) & done; wait; n=0; for i in {1..50}; do n=$((n + $(echo $i | cat))); done; echo $n; seq 60 | while read i; do echo $(($(echo $i) * 2)); done | tail -1; for i in {1..20}; do echo $i & done | sort -n | tail -1; wait
#== bash-34 wait, traps and signals between processes
trap 'echo got chld' CHLD; sleep 0.1 & wait; trap - CHLD; (trap 'echo child term; exit 0' TERM; while :; do sleep 0.05; done) & p=$!; sleep 0.3; kill $p; wait $p; echo $?; trap 'n=$((n+1))' USR1; for i in 1 2 3; do kill -USR1 $$; done; echo $n; (sleep 0.2; kill -USR1 $$) & wait; echo $(( $? > 128 )) $n; wait; (trap 'echo cleanup' EXIT; sleep 0.1); bash -c 'trap "" TERM; kill $$; echo survived'; bash -c 'trap "echo t" TERM; bash -c "kill \$PPID"; echo end'
#== bash-35 time limits, ulimit and nice numbers
timeout 0.3 sleep 5; echo $?; timeout 5 true; echo $?; timeout -s INT 0.2 sleep 3; echo $?; ulimit -n 64; ulimit -n; ulimit -c 0; ulimit -c; (ulimit -n 10; bash -c 'for i in {3..20}; do eval "exec $i</dev/null" || exit 1; done' 2>/dev/null; echo $?); nice -n 5 true; echo $?; SECONDS=0; sleep 1.1; echo $((SECONDS >= 1)); times | wc -l; TIMEFORMAT=%0R; time sleep 0.1
#== bash-36 login profile, startup files and -c arguments
bash -c 'echo $0 $1 $#' name a b; echo 'echo from rc' > rc; bash --rcfile rc -i -c 'echo interactive' 2>/dev/null; BASH_ENV=rc bash -c 'echo script'; bash -s x y <<< 'echo stdin $1 $2'; echo 'echo $-' | bash | tr -d '\n'; echo; bash -r -c 'cd /'; echo $?; bash --posix -c 'echo $POSIXLY_CORRECT'; bash +B -c 'echo {a,b}'; sh -c 'echo $0 "$@"' s 1 2; HOME=$PWD; echo ~; cd ~; echo 'alias hi="echo hello"' > al; bash -O expand_aliases -c '. ./al
hi'
#== bash-37 dash and busybox sh do the same
cat > s <<'X'
x=3; while [ $x -gt 0 ]; do echo $x; x=$((x-1)); done; f() { echo f $1; return 4; }; f a; echo $?; cat <<Y | tr a-z A-Z
here $x
Y
trap 'echo bye' EXIT; (exit 3); echo $?; for i in a b; do case $i in a) echo A;; *) echo other;; esac; done; echo "${x:-d}" "${HOME##*/}"; set -- 1 2 3; shift; echo $*; sleep 0.1 & wait $!; echo $?; echo `expr 2 + 3`; kill -l 15
X
dash s; echo $?; busybox sh s; echo $?; bash --posix s; echo $?; busybox seq 3 | busybox sort -r
#== bash-38 make builds in parallel with dependencies
mkdir m; cd m; cat > Makefile <<'X'
N := $(shell seq 1 8)
all: $(N:%=out.%) ; @cat $(sort $^) | md5sum
out.%: in.% ; @sed 's/the/THE/g' $< > $@
in.%: ; @sed -n "$*p" /compare/data/utf8.txt > $@
clean: ; rm -f in.* out.*
fail: ; @echo before; false; echo after
.SECONDARY:
X
make -s -j4; ls; make -s; make fail 2>&1 | sed 's/^make\[[0-9]*\]/make/'; make -n clean; touch in.3; make -d 2>/dev/null | grep -c 'Must remake'; make -k nothing fail 2>&1 | tail -2; make clean; ls
#== bash-39 scripts that fork deep and pass status up
d() { if [ $1 -gt 0 ]; then (d $(($1-1))); else exit 42; fi; }; (d 30); echo $?; bash -c 'bash -c "bash -c \"exit 17\""; echo $?; exit 18'; echo $?; f() { (return 3); }; f; echo $?; a=$(exit 9); echo $?; local_test() { local v=$(exit 8); echo $?; }; local_test; if ! (exit 1); then echo neg; fi; { (exit 2); } || echo or $?; true && false || echo chain $?; exec 3>&1; (exec 1>&3; echo via3)
#== bash-40 broken programs, missing interpreters, unreadable directories
cp /bin/true whole; ./whole; echo $?; head -c 20 whole > head; head -c 100 whole > cut; chmod +x head cut; ./head; echo $?; ./cut; echo $?; cp whole machine; printf '\377\377' | dd of=machine bs=1 seek=18 conv=notrunc status=none; ./machine; echo $?; sed 's/ld-linux\.so\.2/ld-linux.so.9/' whole > interp; chmod +x interp; ./interp; echo $?; cp whole phent; printf '\3' | dd of=phent bs=1 seek=42 conv=notrunc status=none; ./phent; echo $?; : > empty; chmod +x empty; ./empty; echo $?; head -c 3000 $D/binary.bin > noise; chmod +x noise; ./noise; echo $?; rm -f *
#== bash-41 programs cut short in their segments
for n in 1000 5000 20000 30000; do head -c $n /bin/true > t$n; chmod +x t$n; (./t$n) 2> /dev/null; echo $n $?; done; cp /bin/true libless; sed 's/libc\.so\.6/libz.so.6/' /bin/true > lib; chmod +x lib; ./lib 2>&1 | sed 's/.*error/error/'; echo ${PIPESTATUS[0]}; mkdir d; chmod 0 d; ls d; echo $?; cd d; pwd | sed 's/.*\///'; cd ..; rmdir d; ls none/; echo $?; cat d/x; cat lib/x; echo $?; rm *
#== bash-42 shells that wait for children which end at once
for s in dash 'busybox sh' bash; do $s -c 'sh -c "exit 3" & wait; echo ok; for i in 1 2 3 4 5; do sh -c "exit 3" & done; wait; sh -c "exit 1" & wait $!; echo $?; (exit 4) & p=$!; sleep 0.1; wait $p; echo $?; true | (exit 6); echo $?'; done
