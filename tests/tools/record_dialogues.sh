#!/usr/bin/env bash
# Records testdata/dialogues anew: clients that are not ours, through `weir record`, against a
# fresh `weir serve --sample`. Look at the difference before committing it: that is what clients
# would see change.
#
# usage: record_dialogues.sh OUT          needs: cargo build, python3 with zeep, curl
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
weir=$root/target/debug/weir
out=$1
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
# They name files that another machine may not have, and nothing here is https.
unset REQUESTS_CA_BUNDLE CURL_CA_BUNDLE

# The address in a ready line that a process writes into a file.
ready() {
    for _ in $(seq 600); do
        grep -q '"ready":true' "$1" 2>/dev/null && break
        sleep 0.1
    done
    sed -n '1s/.*"http":"\([^"]*\)".*/\1/p' "$1"
}

"$weir" serve --sample --data "$work/data" --http 127.0.0.1:0 --https off \
    > "$work/serve" 2> "$work/serve.log" &
server=$(ready "$work/serve")
# tests/dialogues.rs decides the same before it replays.
"$weir" update approve 5becb310-bedf-4963-a355-939d61cd755a --group "All Computers" \
    --deadline 2027-01-31T03:00:00Z --data "$work/data"
"$weir" update accept-licence 7456a8f7-7f21-40e2-a8fa-dde68514c694 --data "$work/data"
"$weir" update approve 7456a8f7-7f21-40e2-a8fa-dde68514c694 --group "All Computers" \
    --action optional --data "$work/data"

# Records what a command says to the address that it gets as its last argument.
record() {
    local name=$1
    shift
    rm -rf "${out:?}/$name"
    "$weir" record --listen 127.0.0.1:0 --upstream "http://$server" --out "$out/$name" \
        > "$work/$name" &
    local recorder=$! address
    address=$(ready "$work/$name")
    "$@" "http://$address"
    kill -INT "$recorder"
    wait "$recorder"
}

# What download clients ask of the sample's driver, and what a server must refuse.
ranges() {
    local digest=BDC4E4A2BD495E323F4419EC24FC68C7AD523286
    local url=$1/Content/86/$digest.cab
    fetch() { curl -sS -o /dev/null "$@"; }
    fetch "$url"
    fetch --head "$url"
    fetch -r 0-99 "$url"
    fetch -r -64 "$url"
    fetch -r 400- "$url"
    fetch -r 0-9,100-109,-5 "$url"
    fetch -r 0-9 --head "$url"
    fetch -r 100000- "$url"
    fetch -r 9-0 "$url"
    fetch -r 0-9 -H "If-Range: \"$digest\"" "$url"
    fetch -r 0-9 -H 'If-Range: "another"' "$url"
    fetch -H "If-None-Match: \"$digest\"" "$url"
    fetch "$1/Content/00/0000000000000000000000000000000000000000.cab"
    fetch "$1/SelfUpdate/wuident.cab"
    fetch "$1/ClientWebService/WusServerVersion.xml"
}

record zeep-soap11 python3 "$root/tests/tools/zeep_dialogue.py"
record zeep-soap12 python3 "$root/tests/tools/zeep_dialogue.py" --soap12
record curl-ranges ranges
