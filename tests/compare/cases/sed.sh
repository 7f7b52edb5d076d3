#== sed-01 substitutions with flags and groups
sed -n 's/\(GNU\) \(General\)/\2 \1/gp' $L/GPL-2 | head -3; sed 's/the/THE/2;s/[aeiou]//3g' $L/BSD | head -5; sed -E 's/([0-9a-f]+) (\w+) (\w+)/\3 \2 \1/' $D/lines.txt | md5sum; sed 's/a/&&/w out' $L/BSD | wc -c; wc -l < out; echo 'Hello World' | sed 's/\w\+/\U&/; s/W/\l&/; s/$/ \u\Lend/'; echo aaa | sed 's/a/b/I2'
#== sed-02 addresses of every kind
sed -n '5,8p;$=' $L/GPL-1; sed -n '/Preamble/,/^$/p' $L/GPL-2; sed '10,$d' $L/BSD; sed -n '0~20p' $L/GPL-1 | head -4; sed -n '2,+2p;/NO WARRANTY/!{/zzz/p}' $L/GPL-2; sed '0,/the/s//THE/' $L/BSD | head -4; sed -n '$!{$!p}' $L/BSD | tail -1; sed -n '/the/,3p' $L/BSD | head
#== sed-03 hold space: reverse, join, double spacing
sed -n '1!G;h;$p' $L/BSD | head -4; sed 'N;s/\n/ /' $L/BSD | head -3; sed G $L/BSD | head -6; sed ':a;N;$!ba;s/\n/|/g' $L/BSD | cut -c1-80; sed '$!N;/^\(.*\)\n\1$/!P;D' <(sort <(cut -d' ' -f2 $D/lines.txt) | head -20000) | wc -l; sed 'x;p;x' $L/BSD | wc -l; seq 6 | sed 'h;n;G'
#== sed-04 append, insert, change, read, write, quit
seq 5 | sed '2a\after two' | sed '3i\before' | sed '1c\changed'; seq 3 | sed "2r $L/BSD" | wc -l; seq 10 | sed '/[37]/w hits'; cat hits; seq 100 | sed 5q | tail -1; seq 3 | sed '2Q4'; echo $?; seq 5 | sed -n '2{p;q5}'; echo $?; seq 3 | sed '1!G;$!d'; seq 4 | sed = | sed 'N;s/\n/: /'; seq 2 | sed 'a x' ; seq 3 | sed y/123/abc/
#== sed-05 in place, with backups, several files
cp $L/BSD a; cp $L/Artistic b; sed -i 's/the/THE/g' a b; md5sum a b; sed -i.bak 1d a; ls; cmp a a.bak | cut -c1-20; sed -s -n '$=' a b; sed -n '$=' a b; sed -i -e '$a\' -e 's/$/./' a; tail -1 a; chmod 600 a; sed -i s/x/y/ a; stat -c %a a; ln -s b l; sed -i --follow-symlinks s/e/E/ l; [ -L l ] && md5sum b; sed -i p none; echo $?
#== sed-06 branches, tests and loops
echo 1234567890 | sed -E ':a;s/([0-9])([0-9]{3})($|,)/\1,\2\3/;ta'; seq 12 | sed -n '/1/{s/1/one/;ta;b;:a;p}'; printf 'a\\\nb\nc\n' | sed ':x;/\\$/{N;s/\\\n//;bx}'; sed -n '/^  [0-9]*\. /{s/^ *//;s/ .*//;p}' $L/GPL-2; echo '((a)b)' | sed ':a;s/(\([^()]*\))/[\1]/;ta'; seq 3 | sed 's/2/x/;T;s/$/!/'
#== sed-07 scripts in files, comments, errors
cat > s.sed <<'X'
# a comment
s/the/THE/g   # trailing
/THE/ {
	s/$/ </
	b
}
d
X
sed -f s.sed $L/BSD | head -5; sed -n -f <(echo 3p) $L/BSD; sed 's/a/b'; echo $?; sed 'k'; echo $?; sed -n p /none; echo $?; sed '1,x'; echo $?; sed --posix 's/a\|b/x/' <<< 'a|b'; sed -z 's/\n/,/g' <(seq 3); echo; sed 3,1p <(seq 5); sed b <(seq 1); sed 'ba'; echo $?
#== sed-08 200,000 lines through several expressions
sed -e 's/\./,/' -e '/^0/d' -e 's/ the / THE /' $D/lines.txt | md5sum; sed -n '/kernel thread/p' $D/lines.txt | wc -l; sed '1~3d;y/abcdef/ABCDEF/' $D/lines.txt | md5sum; sed -n 'l 30' $D/utf8.txt | head -3; LC_ALL=C.UTF-8 sed 's/./X/g' $D/utf8.txt | sort | uniq -c | sort -rn | head -2; sed -u 2q $D/lines.txt; sed -E 's/(.)(.)(.)/\3\2\1/g' $D/binary.bin | md5sum
#== sed-09 ed-like editing of a source tree
cp -r $D/src s; find s -name '*.c' -exec sed -i -E 's/\bpart([0-9]+)_(\w+)/p\1_\2/g; /^\t/s/; */; /; 1i\/* edited */' {} +; find s -type f | sort | xargs md5sum | sed 's, s/, ,'; grep -rh '^int' s | sort | head -5; diff -r $D/src s | grep -c '^>'; sed -n '/^{/,/^}/p' s/core/part0.c | wc -l
