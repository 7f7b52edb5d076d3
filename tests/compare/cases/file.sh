#== file-01 make, remove and list directories
mkdir -p a/b/c d; mkdir -m 700 e; mkdir a; echo $?; rmdir d; rmdir a; echo $?; mkdir -pv x/y/z; ls -R; find . -type d | sort
#== file-02 copy files with modes, times and links
cp $L/BSD f; chmod 640 f; touch -d '2020-01-02 03:04:05 UTC' f; cp -p f g; stat -c '%a %Y %s' f g; cp f h; stat -c '%a %s' h
ln -s f s; cp -d s t; cp -L s u; ls -l t | cut -c1-10; readlink t; cmp f u && echo same; cp -r nothing here; echo $?
#== file-03 copy a tree and compare
cp -r $D/src s1; cp -a s1 s2; diff -r s1 s2 && echo same; find s2 -type f | sort | xargs cat | md5sum; cp -rT s1 s3; ls s3; cp -u s1/README s3/; cp -v s1/README x; cp -n x s3/README; cp --parents s1/core/part0.c .; ls
#== file-04 move and rename
echo 1 > a; echo 2 > b; mkdir d; mv a c; mv b d/; mv d e; mv -v c e/; ls -R; mv e/b e/c; cat e/c; mv nothing x; echo $?; mv -n e/c e/zz; mv e e/inside; echo $?; ls -R
#== file-05 hard links and counts
echo data > a; ln a b; ln a c; stat -c '%h %s' a; rm b; stat -c %h a; echo more >> c; cat a; [ a -ef c ] && echo one file; ln a a; echo $?; ln a d/x; echo $?; find . -samefile a | sort
#== file-06 symbolic links: absolute, relative, broken, loops
mkdir d; echo x > d/f; ln -s d/f l; ln -s ../l d/up; ln -s nowhere broken; ln -s loop loop; cat l d/up; cat broken; cat loop
readlink -f d/up | sed "s,$PWD,.,"; readlink broken; readlink f; echo $?; test -e broken; echo $?; test -L broken; echo $?; ls -l l broken loop | sed 's/.*[0-9] //'; realpath -m --relative-to=. broken; find -L . -name f | sort
#== file-07 chmod in octal and in letters
touch a; for m in 644 0 7777 u=rw,go= a+x g-x,o=u u+s +t -t,g+s; do chmod $m a; stat -c '%a %A' a; done; mkdir d; touch d/x d/y; chmod -R go-rwx d; stat -c '%a %n' d d/*; chmod u=Z a; echo $?; chmod --reference=d a; stat -c %a a
#== file-08 umask decides modes
umask; for m in 000 022 077 777; do (umask $m; touch f$m; mkdir d$m; stat -c '%a %n' f$m d$m); done; umask -S; umask 027; umask -S; (umask 0; mkfifo p; stat -c '%a %F' p)
#== file-09 set-uid, set-gid and sticky bits are kept
cp /bin/true t; chmod 4755 t; stat -c '%a %A' t; chmod 2755 t; stat -c %A t; mkdir s; chmod 1777 s; stat -c %A s; chmod g+s s; touch s/f; stat -c '%A' s; cp -p t u; stat -c %a u; chmod 6711 t; ls -l t | cut -c1-10; find . -perm -2000 | sort; find . -perm /7000 | sort; ./t; echo $?
#== file-10 chown and chgrp as root
touch a; chown 1000:100 a; stat -c '%u %g' a; chgrp 5 a; stat -c '%u %g %G' a; chown daemon a; stat -c %U a; chown -R bin:bin .; stat -c %U:%G . a; chown 0:0 . a; chown nosuchuser a; echo $?; ln -s a l; chown -h 7 l; stat -c %u l a
#== file-11 touch sets times
touch -t 202001020304.05 a; stat -c '%Y %X' a; touch -r a b; stat -c %Y b; touch -a -d @1000 a; stat -c '%X %Y' a; touch -m -d @2000 a; stat -c '%X %Y' a; touch -c nothing; ls; [ b -nt a ]; echo $?; touch -d '1999-01-01 UTC' c; find . -type f -newer a | sort; touch -d @0 z; stat -c %y z
#== file-12 find by name, type, size, depth, time
cp -r $D/src s; find s -name '*.c' | sort | head -4; find s -type d | sort; find s -size +1k -type f | wc -l; find s -maxdepth 1 | sort; find s -mindepth 2 -type f -name '*1*' | sort; find s -empty; find s \( -name '*.h' -o -name README \) -print | sort; find s -path '*/net/*' -prune -o -type f -print | wc -l; find s -regex '.*part[0-9]\.c' | wc -l
#== file-13 find -exec, -delete, -printf
cp -r $D/src s; find s -name 'part1*.c' -exec wc -l {} \; | sort; find s -name '*.c' -exec grep -l 'the' {} + | sort | head -3; find s -type f -printf '%s %m %P\n' | sort -n | tail -3; find s -name '*.c' -delete; find s | sort; find /nonexistent; echo $?; find s -type d -execdir echo {} \; | sort
#== file-14 remove: forced, recursive, refused
mkdir -p a/b; touch a/f a/b/g; rm a; echo $?; rm -r a/b; rm -f nothing; echo $?; rm nothing; echo $?; chmod 0 a/f; rm -rf a; ls; mkdir 'a b'; rm -rv 'a b'; rm -- -x; echo $?; touch -- -x; rm -- -x; rm -d .; echo $?; unlink nothing; rm -rf ..; echo $?
#== file-15 an open file lives on when unlinked
exec 3<> f; echo one >&3; rm f; ls; echo two >&3; exec 4< /proc/self/fd/3; cat <&4; exec 3>&- 4<&-; seq 5 > g; exec 5< g; rm g; head -2 > /dev/null <&5; cat <&5; exec 5<&-; ls -A; (tail -f --pid=$$ /dev/null & kill $!) 2>/dev/null; exec 6> h; rm h; (echo child >&6); [ -e h ] || echo gone
#== file-16 two writers append without losing lines
(for i in {1..500}; do echo "a $i"; done >> log) & (for i in {1..500}; do echo "b $i"; done >> log) & wait; wc -l log; grep -c ^a log; grep ^b log | cut -d' ' -f2 | sort -n | uniq | wc -l; sort -o log log; md5sum log
#== file-17 a shared offset: head -1 leaves the rest to cat
seq 10 > f; (read x; echo first $x; cat) < f; (sed -n 1q; wc -l) < f; (head -1; cat) < f | tail -3; exec 3< f; read a <&3; read b <&3; (read c <&3; echo sub $c); read d <&3; echo $a $b $d; exec 3<&-
#== file-18 read-write descriptors and seeking by dd
seq 100 > f; exec 3<> f; dd bs=1 count=6 <&3 2>/dev/null; printf XX >&3; dd bs=1 count=4 <&3 2>/dev/null; exec 3>&-; head -6 f; (dd bs=1 skip=20 count=0 2>/dev/null; head -2) < f; printf 'ab' 1<> f; head -2 f
#== file-19 fifos between processes
mkfifo p; (echo through; echo the pipe) > p & cat p; wait; mkfifo q; cat q > out & seq 1000 > q; wait; md5sum out; stat -c %F p; (sleep 0.1; echo late > p) & read x < p; echo $x; wait; test -p p && echo fifo
#== file-20 special files and their numbers
mknod n c 1 3; stat -c '%F %t %T' n; echo lost > n; cat n | wc -c; mknod z c 1 5; head -c 5 z | od -An -tx1; mknod b b 7 0; stat -c '%F %t,%T' b; ls -l n | cut -c1-10; head -c 10 /dev/zero | wc -c; echo full > /dev/full; echo $?; cat /dev/null; test -c /dev/null && echo char; mknod n c 1 3; echo $?
#== file-21 globs over ten thousand names
mkdir d; (cd d; seq -f 'f%05g' 10000 | xargs touch); ls d | wc -l; cd d; echo f0000? ; set -- *; echo $#; set -- *7; echo $# $1; set -- f[0-4]*[89]; echo $#; ls f0999* | paste -sd' '; rm f*1; ls | wc -l; cd ..; rm -r d; ls
#== file-22 very long and very odd names
n=$(printf 'x%.0s' {1..255}); touch $n; ls | wc -c; touch ${n}y; echo $?; mkdir $'tab\there' 'q"uote' '*' '-dash' 2>/dev/null; mkdir ./-dash; ls -1 | tail -5 | cat -A; d=.; for i in {1..40}; do d=$d/$(printf 'd%.0s' {1..50}); done; mkdir -p $d && (cd $d && pwd | wc -c | sed 's/^/long: /' | cut -c1-5); rm -rf ./* ; ls -A
#== file-23 sparse files, truncation and reading past the end
truncate -s 10M s; stat -c %s s; md5sum s; echo end >> s; tail -c 4 s; dd if=/dev/null of=s bs=1 seek=100 2>/dev/null; stat -c %s s; printf x | dd of=s bs=1 seek=5000 conv=notrunc 2>/dev/null; od -c s | tail -3; : > s; stat -c %s s; cat s; dd if=s bs=1 skip=10 2>/dev/null | wc -c
#== file-24 directories from inside: cd, pwd, .., removed ones
mkdir -p a/b; cd a/b; pwd | sed 's,.*/a,a,'; cd ..; pwd | sed 's,.*/,,'; cd -  | sed 's,.*/a,a,'; rmdir ../b; ls; touch x; echo $?; cd ../..; ls; ln -s a l; cd l; pwd -P | sed 's,.*/,,'; pwd -L | sed 's,.*/,,'; cd /..; pwd; cd $OLDPWD; cd nowhere; echo $?
#== file-25 install, ln -sf, backup names
install -m 751 $L/BSD x; stat -c '%a %s' x; install -d -m 711 i/j; stat -c %a i/j; install -D x k/l/m; ls k/l; echo 1 > t; cp --backup=numbered x t; ls t*; ln -sf x t; readlink t; ln -sfn k l; readlink l; mv --backup=simple -S .old x t; ls; ln -sr k/l/m r; readlink r; mktemp -u -p . XX | wc -c
#== file-26 tests of files by test(1)
touch f; chmod 000 f; mkdir d; ln -s f l; mkfifo p; for o in -e -f -d -L -p -S -b -c -s -r -w -x -u -g -k -h; do for x in f d l p none; do test $o $x && echo "$o $x"; done; done; [ f -ot d ] || echo no; [ -s $L/BSD ] && [ ! -s f ] && echo sizes; test -x /bin/true && echo executable
#== file-27 ls in many forms
mkdir d; touch -d '2021-03-04 05:06:07 UTC' d/a d/.h; echo hello > d/b; touch -d '2022-01-01 UTC' d/b; ln -s a d/l; touch -h -d @5 d/l; chmod 755 d/b; ls d; ls -a d; ls -A1F d; ls -l --time-style=+%s d | sed 1d | awk '{ print $1, $5, $6, $7, $8, $9 }'; ls -S d; ls -t d; ls -r d; ls -d d; ls -m d; ls -x -w 20 d; ls --color=always -F d | cat -v; ls nothing; echo $?; ls -p --group-directories-first . | head -3
#== file-28 scripts with #! lines
printf '#!/bin/sh\necho "$0 $# $1"\n' > s; chmod +x s; ./s 'a b' c; printf '#!/bin/sed -nf\ns/x/y/p\n' > e; chmod +x e; echo axb | ./e; printf '#! /usr/bin/env bash\necho ${BASH_VERSINFO[0]}\n' > b; chmod +x b; ./b; printf '#!/no/such\n' > n; chmod +x n; ./n; echo $?; printf 'echo plain $0\n' > p; chmod +x p; ./p; printf '#!./s\n' > r; chmod +x r; ./r z; chmod -x s; ./s; echo $?; ./.; echo $?; printf '#!/bin/cat\nitself\n' > c; chmod +x c; ./c
