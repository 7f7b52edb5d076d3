# Runs the cases named in /compare/list, each by a fresh bash in a folder of its own, and writes
# to standard output, per case, `@@ID status bytes bytes bytes` and then its output, its error
# output and a list of the files that it left (kind, mode, size, links, target, checksum).  The same file runs in the
# guest and, in a chroot of the same tree, on Linux.
umask 022
mkdir -p /compare/work
while read -r id; do
	work=/compare/work/$id
	rm -rf "$work" /compare/o /compare/e /compare/f
	mkdir -p "$work"
	cd "$work" || exit 1
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C TZ=UTC0 TERM=dumb \
		D=/compare/data L=/usr/share/common-licenses \
		/bin/bash "/compare/cases/$id.sh" < /dev/null > /compare/o 2> /compare/e
	status=$?
	{
		find . -mindepth 1 \( -type d -printf "%P %y %m\\n" -o -printf "%P %y %m %s %n %l\\n" \) 2>&1 | sort
		find . -type f -print0 | sort -z | xargs -0 -r md5sum
	} > /compare/f 2>&1
	printf '@@%s %d %d %d %d\n' "$id" $status $(wc -c < /compare/o) $(wc -c < /compare/e) $(wc -c < /compare/f)
	cat /compare/o /compare/e /compare/f
	cd /
	rm -rf "$work"
done < /compare/list
