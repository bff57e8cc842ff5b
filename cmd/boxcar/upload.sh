#!/bin/sh
# Uploads FILE in parts, makes a file of them, downloads it and compares.
# Needs curl and openssl.
#
#   sh upload.sh FILE              starts an upload session
#   sh upload.sh FILE SESSION      goes on with one: parts that are there are not sent again
#
# BOXCAR_URL and BOXCAR_TOKEN, if set, are used in place of what is filled in here.
set -eu

url=@URL@
url=${BOXCAR_URL:-$url}
credentials=@CREDENTIALS@

quote() { printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"; }
complain() { printf '%s\n' "$1" >&2; exit 1; }

case $# in
1 | 2) ;;
*) printf 'usage: sh %s FILE [SESSION]\n' "$(quote "$0")" >&2; exit 2 ;;
esac
file=$1
session=${2-}
[ -f "$file" ] && [ -r "$file" ] || complain "$file: no such file, or none that can be read"
case $file in -*) file=./$file ;; esac

from=BOXCAR_TOKEN
if [ -z "${BOXCAR_TOKEN-}" ]; then
	from=$credentials
	. "$credentials"
fi

tmp=$(mktemp -d)
going=
leave() {
	rm -rf "$tmp"
	[ -z "$going" ] || printf 'go on with: sh %s %s %s\n' "$(quote "$0")" "$(quote "$file")" "$session" >&2
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# A token on a command line can be read by everyone on the machine.
(umask 077 && printf 'Authorization: Bearer %s\n' "$BOXCAR_TOKEN" >"$tmp/auth")

# call ARGUMENT...: one request by curl, whose reply is in $tmp/reply then.
# What the server refuses ends the script.
call() {
	: >"$tmp/reply"
	status=$(curl -sS --retry 3 -H "@$tmp/auth" -o "$tmp/reply" -w '%{http_code}' "$@") || complain "no answer from $url"
	case $status in
	2??) ;;
	401) complain "HTTP 401: $url does not know the token in $from" ;;
	*) complain "HTTP $status: $(cat "$tmp/reply")" ;;
	esac
}
value() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }
sha1() { openssl dgst -sha1 "$1" | sed 's/.* //'; }
digest() { openssl dgst -sha1 -binary "$1" | openssl base64; }

size=$(($(wc -c <"$file")))
at=${url%/}/api/2.0/files/upload_sessions
if [ -z "$session" ]; then
	name=$(basename "$file" | sed 's/[\\"]/\\&/g')
	call --data-binary "{\"folder_id\":\"0\",\"file_size\":$size,\"file_name\":\"$name\"}" "$at"
	session=$(value id <"$tmp/reply")
else
	call "$at/$session"
fi
going=yes
at=$at/$session
part_size=$(value part_size <"$tmp/reply")
echo "session $session, parts of $part_size bytes"

printf '{"parts":[' >"$tmp/commit"
slot=0
comma=
while first=$((slot * part_size)) && [ "$first" -lt "$size" ]; do
	dd if="$file" of="$tmp/part" bs="$part_size" skip="$slot" count=1 2>"$tmp/dd" || complain "$(cat "$tmp/dd")"
	last=$((first + $(wc -c <"$tmp/part") - 1))
	call "$at/parts?offset=$slot&limit=1"
	part=$(sed -n 's/.*"entries":\[\({[^}]*}\)\].*/\1/p' <"$tmp/reply")
	if [ -z "$part" ]; then
		call -T "$tmp/part" -H "Digest: sha=$(digest "$tmp/part")" -H "Content-Range: bytes $first-$last/$size" "$at"
		part=$(sed 's/^{"part":\(.*\)}$/\1/' <"$tmp/reply")
		echo "part $first-$last sent"
	elif [ "$(printf %s "$part" | value sha1)" = "$(sha1 "$tmp/part")" ]; then
		echo "part $first-$last is there already"
	else
		going=
		complain "part $first-$last is there with other bytes: session $session was started with another file"
	fi
	printf %s "$comma$part" >>"$tmp/commit"
	comma=,
	slot=$((slot + 1))
done
printf ']}' >>"$tmp/commit"

sum=$(digest "$file")
while call --data-binary "@$tmp/commit" -H "Digest: sha=$sum" "$at/commit" && [ "$status" = 202 ]; do
	sleep 1 # a large file is being hashed
done
going=
id=$(sed -n 's/.*"entries":\[{"type":"file","id":"\([0-9]*\)".*/\1/p' <"$tmp/reply")
echo "committed as file $id"

curl -fsSL -H "@$tmp/auth" "${url%/}/2.0/files/$id/content" | cmp - "$file"
echo "downloaded, and the same"
