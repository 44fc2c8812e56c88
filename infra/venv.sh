#!/bin/sh
# venv.sh DIR ARGUMENT...: makes DIR a virtual environment with what the pip arguments name, for instance
#   infra/venv.sh .venv -r requirements-dev.txt -e .
# An attempt that was cut short leaves DIR/.unfinished behind, and the next one starts from nothing.
set -eu
dir=$1
shift

if [ -e "$dir" ] && { [ -e "$dir/.unfinished" ] || ! "$dir/bin/python" -m pip --version >/dev/null 2>&1; }; then
    echo "→ $dir was left unfinished: making it again"
    rm -rf "$dir"
fi

if [ ! -e "$dir" ]; then
    for python in "${PYTHON:-python3}" python3.13 python3.12 python3.14 python3.11 python; do
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break
        python=
    done
    if [ -z "$python" ]; then
        echo "Postroad needs Python 3.11 or newer; none was found. Name one: make PYTHON=/path/to/python3 …" >&2
        exit 1
    fi
    echo "→ making $dir with $("$python" --version)"
    mkdir -p "$dir"
    touch "$dir/.unfinished"
    if ! "$python" -m venv "$dir"; then
        echo "Python's venv module did not work (on Debian and Ubuntu: apt install python3-venv)." >&2
        exit 1
    fi
fi

touch "$dir/.unfinished"
echo "→ installing packages into $dir"
# uv is some ten times faster than pip; where it cannot reach the index that pip is set up for, pip does the work.
pip="$dir/bin/python -m pip --disable-pip-version-check --quiet"
$pip install uv==0.13.9
"$dir/bin/uv" pip install --quiet --python "$dir/bin/python" "$@" 2>"$dir/uv.log" || {
    echo "→ uv could not do it; pip does (it takes longer)"
    $pip install "$@"
}
rm "$dir/.unfinished"
touch "$dir/.installed"
