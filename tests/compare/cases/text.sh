#== text-01 words of the licences, counted and ranked
cat $L/GPL-2 $L/LGPL-2 | tr -cs 'A-Za-z' '\n' | tr A-Z a-z | sort | uniq -c | sort -k1,1nr -k2 | head -40
#== text-02 sort -n, -r, -u and -k on 200,000 lines
sort $D/lines.txt | md5sum
sort -r $D/lines.txt | head -3
sort -k2,2 -k3,3 -s $D/lines.txt | sha1sum
sort -t' ' -k4,4n $D/lines.txt | tail -3
sort -u -k2,2 $D/lines.txt | wc
#== text-03 sort with four threads and little memory makes a thread and temporary files
cat > comp <<'X'
#!/bin/bash
echo x >> made
t=$(sed -n 's/^Threads:[[:space:]]*//p' /proc/$PPID/status)
[ "$t" -gt 1 ] && echo "$t" >> threads
exec gzip -1 "$@"
X
chmod +x comp; mkdir t
sort --parallel=4 -S 12M -T t --compress-program=./comp $D/lines.txt | md5sum
[ -s made ] && echo temporary files were made
[ -s threads ] && echo a thread was made
ls -A t | wc -l
sort --parallel=4 -S 12M -T t -k4,4n $D/lines.txt | md5sum
rm -f made threads
#== text-04 wc of everything in every way
wc $L/* | tail -3
wc -l -w -c -m -L $D/utf8.txt
LC_ALL=C.UTF-8 wc -m -L $D/utf8.txt
wc < $D/binary.bin
#== text-05 cut by fields, characters and bytes
cut -f2,4 $D/table.tsv | head -5
cut -d' ' -f2- --complement $D/lines.txt | md5sum
cut -c1-3,9- $D/lines.txt | md5sum
cut -b1-10 --output-delimiter=: $D/utf8.txt | md5sum
cut -f9 -s $D/table.tsv | wc -l
#== text-06 tr: translate, delete, squeeze, complement, classes
tr '[:lower:]' '[:upper:]' < $L/BSD | head -5
tr -d '[:space:]' < $L/BSD | wc -c
tr -s 'a-z' < $L/GPL-3 | md5sum
tr -cd '\0-\037' < $D/binary.bin | wc -c
tr 'a-y' 'b-z' < $L/Artistic | md5sum
#== text-07 uniq -c -d -u -i -f -s on sorted input
sort $D/lines.txt | cut -d' ' -f2 | sort > w
uniq -c w | sort -k1,1nr -k2 | head
uniq -d w | wc -l; uniq -u w | wc -l
sort -k2,2 $D/table.tsv | uniq -f1 -c | wc -l
uniq -D -w 2 w | md5sum
rm w
#== text-08 join and comm of sorted files
cut -f1,2 $D/table.tsv | sort > a; cut -f1,4 $D/table.tsv | sort -r | head -3000 | sort > b
join a b | head -5; join -v1 a b | wc -l; join -o 1.2,2.2 -t'	' a b | md5sum
cut -f1 a > c; cut -f1 b > d; comm -12 c d | wc -l; comm -3 --total c d | tail -1
rm a b c d
#== text-09 paste and pr put columns side by side
cut -f1 $D/table.tsv | head -20 > a; cut -f2 $D/table.tsv | head -17 > b
paste a b | tail -5; paste -s -d, a; paste -d'|:' a b a | head -3
pr -m -t -w 40 a b | md5sum; pr -3 -t -l 8 a | head -8
rm a b
#== text-10 fold, fmt, expand, unexpand
fmt -w 60 $L/GPL-2 | md5sum; fold -w 20 -s $L/BSD | head -12
expand -t 4 $D/table.tsv | head -3; expand $D/table.tsv | unexpand -a | md5sum
fmt -u -p '>' <<< '> a  b   c' ; fold -b -w 7 $D/utf8.txt | wc -l
#== text-11 nl, tac, od
nl -ba -w3 -s: $L/BSD | tail -4; tac $D/lines.txt | md5sum
nl -bp'^ *[A-Z]' -nrz $L/Artistic | head -20
od -A d -t x1z $D/binary.bin | tail -4; od -An -tu2 -N 32 -j 4096 $D/binary.bin
od -c $D/utf8.txt | head -3
#== text-12 head and tail by lines and bytes, both ends
head -n -199990 $D/lines.txt; tail -n +199998 $D/lines.txt; head -c 100 $D/lines.txt; echo
tail -c 100 $D/lines.txt; head -n 2 $L/BSD $L/GPL-1; tail -qn 1 $L/BSD $L/GPL-1
#== text-13 split and csplit, put together again
split -l 30000 -d -a 3 $D/lines.txt part. ; ls part.*; cat part.* | cmp - $D/lines.txt && echo same
split -n 7 $D/binary.bin b. ; wc -c b.*; cat b.* | cmp - $D/binary.bin && echo same
csplit -s -f l. -n 3 $L/GPL-2 '/^  [0-9]*\. /' '{*}'; ls l.* | wc -l; head -1 l.003
rm part.* b.* l.*
#== text-14 checksums agree with each other
for f in $D/lines.txt $D/binary.bin; do md5sum < $f; sha1sum < $f; sha256sum < $f; sha512sum < $f; cksum < $f; sum < $f; b2sum < $f; done
(cd $L; md5sum BSD GPL-3) > all; (cd $L; md5sum -c - ) < all; sed -i 's/^./x/' all; (cd $L; md5sum -c -) < all; echo $?
#== text-15 grep: basic, extended, fixed, counts, context, colour
grep -c the $L/GPL-2; grep -in 'warranty' $L/BSD; grep -E '^[0-9a-f]{7} (the|of) ' $D/lines.txt | md5sum
grep -F -x -f <(printf 'kernel\nthread\n') <(tr ' ' '\n' < $D/lines.txt) | sort | uniq -c
grep -A1 -B1 -n 'License, or' $L/GPL-2 | head -12; grep --color=always -o 'free[a-z]*' $L/GPL-3 | sort | uniq -c
#== text-16 grep -r, -l, -L, -v, -q, -w, exit status
grep -rl parts $D/src | sort; grep -rL return $D/src | sort; grep -rc 'n +=' $D/src | sort | head -5
grep -q nothinglikethis $L/BSD; echo $?; grep x /nonexistent; echo $?; grep -vc . $L/GPL-2; grep -ow 'you' $L/GPL-2 | wc -l
#== text-17 grep -P and back references
grep -P '\b(\w+) \1\b' $D/lines.txt | wc -l; grep -oP '(?<=\d{3}\.)\d+$' $D/lines.txt | sort -n | uniq -c | head -3
grep -E '^([0-9a-f])\1' $D/lines.txt | md5sum; grep -oP '\d+(?=\.5)' $D/lines.txt | head -2
#== text-18 grep in binary data and with NUL lines
grep -c '\x00' $D/binary.bin; grep -a -c 'AB' $D/binary.bin; grep 'AB' $D/binary.bin | head -1
printf 'a\0b\0ab\0' | grep -z a | tr '\0' '\n'; grep -obUaP '\x41\x42' $D/binary.bin | wc -l
#== text-19 UTF-8: sorting, case, classes, widths
export LC_ALL=C.UTF-8
tr ' ' '\n' < $D/utf8.txt | sort | uniq -c | sort -k1,1nr -k2 | head -12
grep -o '[[:upper:]][[:lower:]]*' $D/utf8.txt | sort | uniq -c; grep -c '日本' $D/utf8.txt
sed 's/[^[:alpha:] ]/?/g' $D/utf8.txt | md5sum; wc -mL < $D/utf8.txt; cut -c1-5 $D/utf8.txt | md5sum
#== text-20 UTF-8 in awk, tr and printf by characters
export LC_ALL=C.UTF-8
awk '{ n += length($0); if (match($0, /слово/)) m++; t = toupper($0) } END { print n, m, t }' $D/utf8.txt
printf '%s\n' $(head -3 $D/utf8.txt) | while read -r w; do printf '%d[%-8s]' ${#w} "$w"; done; echo
head -1 $D/utf8.txt | sed 's/./&-/g'
#== text-21 shuf with a fixed source and seq in all forms
shuf --random-source=$D/lines.txt -n 5 $D/lines.txt; shuf -i 1-20 --random-source=$D/lines.txt | paste -sd' '
seq 5; seq -w 8 3 20; seq -s, 1 .25 2; seq -f '%05.1f' 3; seq 10 -3 0; seq 200000 | md5sum
#== text-22 numfmt, factor, expr, bc-less arithmetic
seq 1000 1000 5000 | numfmt --to=si; numfmt --from=iec 4K 1M 2G; factor 1234567890 97 1000000007
expr 7 \* 6 + 3; expr substr abcdef 2 3; expr length hello; expr abc : 'a\(.*\)'; expr 1 / 0; echo $?
#== text-23 base64, base32, basenc round trips
base64 $D/binary.bin | md5sum; base64 $D/binary.bin | base64 -d | cmp - $D/binary.bin && echo same
base32 -w 40 $L/BSD | head -3; basenc --base16 < $L/BSD | head -2; echo '!!!' | base64 -d; echo $?
#== text-24 diff in its formats
cp $L/GPL-2 a; sed -e 3d -e '50s/the/THE/' -e '100a\
new line' a > b
diff a b; echo $?; diff -u --label a --label b a b; diff -c --label a --label b a b | head -20; diff -q a b; diff -y -W 100 a b | grep -c '|'; diff a a; echo $?
#== text-25 diff -r, cmp, diff3, sdiff
mkdir x y; cp -r $D/src/core x; cp -r $D/src/core y; sed -i 1d y/core/part0.c; rm y/core/part4.c; echo new > y/n
diff -r x y | sed 's/^diff.*/diff/' | head -20; diff -rq x y; cmp x/core/part0.c y/core/part0.c; cmp -l $L/GPL-1 $L/GPL-2 | wc -l
seq 10 > o; sed 's/3/three/' o > p; sed 's/8/eight/' o > q; diff3 p o q; diff3 -m p o q; sdiff -s -w 40 p q
#== text-26 tsort, ptx, column-like work with printf
printf 'a b\nb c\na d\nd c\n' | tsort; printf 'a b\nb a\n' | tsort 2>&1; head -3 $L/BSD | ptx -w 60 | head -8
while IFS=$'\t' read -r n s w a d; do printf '%-6d|%8s|%-9s|%07d|%s\n' $n $s $w $a $d; done < <(head -5 $D/table.tsv)
#== text-27 tee to several files and process substitution
seq 1000 | tee a b >(wc -l > c) | tail -1; sleep 0.2; cmp a b && echo same; cat c
cat <(head -2 a) <(tail -2 b); diff <(sort a) <(sort -r b) | wc -l; paste <(seq 3) <(seq 4 6)
#== text-28 od and dd move bytes about
dd if=$D/binary.bin of=a bs=1000 skip=3 count=10 2>/dev/null; md5sum a; dd if=$L/BSD bs=10 count=3 conv=ucase 2>/dev/null; echo
dd if=/dev/zero of=b bs=1k seek=100 count=1 status=none; dd if=a of=b conv=notrunc bs=7 seek=11 status=none; md5sum b
printf 'abcdef' | dd conv=swab 2>/dev/null; echo; dd if=a ibs=3 obs=512 2>&1 >/dev/null | head -2
#== text-29 a concordance: line numbers of each rare word
nl -ba $L/Artistic | tr -cs 'A-Za-z0-9\n' ' ' | awk '{ for (i = 2; i <= NF; i++) if (length($i) > 11) l[tolower($i)] = l[tolower($i)] " " $1 } END { for (w in l) print w ":" l[w] }' | sort | head -30
tr -cs A-Za-z '\n' < $L/Artistic | awk 'length > 11' | sort -f | uniq -ci | sort -rn | head -5
#== text-30 report by groups from the table
sort -t'	' -k2,2 -k4,4n $D/table.tsv | awk -F'\t' '$2 != p { if (p) print p, n, s; p = $2; n = s = 0 } { n++; s += $4 } END { print p, n, s }'
cut -f5 $D/table.tsv | cut -d- -f1 | sort | uniq -c | sort -rn | head -3; cut -f4 $D/table.tsv | sort -n | sed -n '1p;2500p;$p'
#== text-31 long lines and files without a last newline
tr -d '\n' < $D/lines.txt > one; wc one; cut -c1000000-1000050 one; fold -w 1000 one | wc -l; head -c 30 one | tac -rs .
printf 'no newline' > n; cat n n; echo; sort n; wc -l n; tail -n 1 n; echo; sed 's/no/yes/' n; rm one
#== text-32 NUL-separated names through the tools
printf '%s\0' 'a b' $'c\nd' e | sort -z | tr '\0' '|'; echo; printf 'x y\0z\0' | xargs -0 -n1 printf '<%s>\n'
mkdir d; touch "d/with space" $'d/new\nline'; find d -type f -print0 | sort -z | od -c | head; ls -Q d; ls -b d
#== text-33 xargs: lines, replacement, several at once, failures
seq 20 | xargs -n 6; seq 3 | xargs -I{} echo 'item {} of {}'; seq 8 | xargs -P 4 -n 2 sh -c 'echo $(($1 + $2))' _ | sort -n
printf '%s\n' a b | xargs -n1 sh -c 'exit 3'; echo $?; echo | xargs -r echo never; xargs -a $L/BSD -n 5 echo | head -3
#== text-34 date arithmetic in UTC
date -u -d @0 +%FT%TZ; date -u -d '2024-02-28 + 2 days' +%F; date -u -d '2023-12-31' '+%j %U %a %B'; date -u -d '@1700000000' '+%c'
for d in 2000-01-01 2024-12-25; do date -u -d $d +%s; done; date -u -d nonsense; echo $?
#== text-35 stat, du and wc of what was written agree
cp $D/lines.txt a; stat -c '%s %F %a %h' a; du -b a; wc -c < a; du --apparent-size -k a; truncate -s 1000 a; stat -c %s a; md5sum a; truncate -s +5000 a; tail -c 3 a | od -An -c
#== text-36 sort checks, merges, months, versions and human numbers
printf 'Mar\nJan\nDec\n' | sort -M; printf '1.10\n1.9\n1.2a\n' | sort -V; printf '2K\n1G\n5\n3M\n' | sort -h; sort -c $D/lines.txt; echo $?
head -1000 $D/lines.txt | sort > a; tail -1000 $D/lines.txt | sort > b; sort -m a b | md5sum; sort -m a b | sort -c && echo sorted; sort -R --random-source=$D/lines.txt a | md5sum
#== text-37 ten pipes in a row over all lines
cat $D/lines.txt | cat | tr a-z A-Z | grep -v ZZZ | sed 's/THE/the/' | awk '{ print $2, $3 }' | sort | uniq -c | sort -rn | head -5 | nl
cut -d' ' -f2 $D/lines.txt | sort | uniq | tee words | wc -l; comm -23 words <(grep -ow '[A-Z]*[a-z]*' $L/GPL-3 | sort -u) | head
#== text-38 bzip2 and gzip of text keep every byte
bzip2 -k -c $D/utf8.txt | wc -c; bzip2 -c $D/binary.bin | bzip2 -dc | cmp - $D/binary.bin && echo same; bzcat <(bzip2 -c $L/BSD) | head -2
gzip -9 -n -c $L/GPL-3 | md5sum; zcat <(gzip -c $L/BSD) | wc; zgrep -c the <(gzip -c $L/GPL-2)
