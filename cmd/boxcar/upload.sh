#!/bin/sh
# Uploads FILE in parts, makes a file of them, downloads it and compares.
# Needs curl, openssl and split.
#
#   sh upload.sh FILE              starts an upload session
#   sh upload.sh FILE SESSION      goes on with one: parts that are there are not sent again
#
# BOXCAR_TOKEN, if set, is used in place of the token in the file of credentials.
set -eu

url=${BOXCAR_URL:-@URL@}
if [ -z "${BOXCAR_TOKEN-}" ]; then
	. @CREDENTIALS@
fi
file=${1:?which file}
session=${2-}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
# A token on a command line can be read by everyone on the machine.
(umask 077 && printf 'Authorization: Bearer %s\n' "$BOXCAR_TOKEN" >"$tmp/auth")
api() { curl -sS --fail-with-body --retry 3 -H "@$tmp/auth" "$@"; }
value() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }
digest() { openssl dgst -sha1 -binary "$1" | openssl base64; }

size=$(($(wc -c <"$file")))
if [ -z "$session" ]; then
	name=$(basename "$file" | sed 's/[\\"]/\\&/g')
	api -o "$tmp/session" --data-binary "{\"folder_id\":\"0\",\"file_size\":$size,\"file_name\":\"$name\"}" \
		"$url/api/2.0/files/upload_sessions" || { cat "$tmp/session"; exit 1; }
	session=$(value id <"$tmp/session")
else
	api -o "$tmp/session" "$url/api/2.0/files/upload_sessions/$session" || { cat "$tmp/session"; exit 1; }
fi
at=$url/api/2.0/files/upload_sessions/$session
part_size=$(value part_size <"$tmp/session")
echo "session $session, parts of $part_size bytes"

split -a 4 -b "$part_size" "$file" "$tmp/part."
slot=0
parts=
for part in "$tmp"/part.*; do
	[ -e "$part" ] || continue
	first=$((slot * part_size))
	last=$((first + $(wc -c <"$part") - 1))
	api -o "$tmp/reply" "$at/parts?offset=$slot&limit=1" || { cat "$tmp/reply"; exit 1; }
	stored=$(sed -n 's/.*"entries":\[\({[^}]*}\)\].*/\1/p' <"$tmp/reply")
	if [ -n "$stored" ]; then
		echo "part $first-$last is there already"
	else
		api -o "$tmp/reply" -T "$part" \
			-H "Digest: sha=$(digest "$part")" -H "Content-Range: bytes $first-$last/$size" "$at" || {
			cat "$tmp/reply" 2>/dev/null || true
			echo "stopped at part $first-$last; go on with: sh $0 '$file' $session" >&2
			exit 1
		}
		stored=$(sed 's/^{"part":\(.*\)}$/\1/' <"$tmp/reply")
		echo "part $first-$last sent"
	fi
	parts=$parts${parts:+,}$stored
	slot=$((slot + 1))
	rm -f "$part"
done

printf '{"parts":[%s]}' "$parts" >"$tmp/commit"
api -o "$tmp/reply" --data-binary "@$tmp/commit" -H "Digest: sha=$(digest "$file")" "$at/commit" || { cat "$tmp/reply"; exit 1; }
id=$(sed -n 's/.*"entries":\[{"type":"file","id":"\([0-9]*\)".*/\1/p' <"$tmp/reply")
echo "committed as file $id"

api -L "$url/2.0/files/$id/content" | cmp - "$file"
echo "downloaded, and the same"
