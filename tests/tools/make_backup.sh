#!/bin/sh
# Makes the backup of a release that later ones have to restore: tests/tools/make_backup.sh FILE
# Everything in it is of the sample catalogue and made up, its keys and passwords too.
set -eu

weir=${WEIR:-target/debug/weir}
file=$1
scratch=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$scratch"' EXIT
export WEIR_DATA="$scratch/data"

"$weir" serve --sample --http 127.0.0.1:0 --https off --admin 127.0.0.1:0 \
    >"$scratch/ready" 2>"$scratch/log" &
server=$!
while ! [ -s "$scratch/ready" ]; do sleep 0.1; done
http=$(sed 's/.*"http":"\([^"]*\)".*/\1/' "$scratch/ready")

printf 'a password for the fixture\n' >"$scratch/password"
"$weir" group create Pilot
"$weir" group create Kiosks --parent Pilot
"$weir" update approve 7456a8f7-7f21-40e2-a8fa-dde68514c694 --group Pilot --deadline 2027-01-31T03:00:00Z
"$weir" update approve 5becb310-bedf-4963-a355-939d61cd755a --group 'All Computers'
"$weir" update decline 450b7a01-9903-4916-8138-db2f7aa8d785
"$weir" updategroup create March
"$weir" rule add Security --title '*Security*' --group Pilot
"$weir" placement add --group Kiosks --name 'kiosk-*'
"$weir" account create ann --role reporter --password-file "$scratch/password"
"$weir" token create dashboard --role reporter >/dev/null
"$weir" notification set ops --webhook https://weirworks.example/hook --secret-file "$scratch/password" \
    --topic sync-failed
"$weir" replay testdata/dialogues/zeep-soap11 --against "http://$http" >/dev/null || true
"$weir" backup "$file"
