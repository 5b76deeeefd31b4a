#!/bin/sh
# Installs what the Makefile's targets need, and only what is missing.
#
#   tools/install.sh npm    the npm packages of package-lock.json
#   tools/install.sh lab    root, Go, and the Debian packages with which labs and tests are made; Prometheus, unpacked
#                           into the user's cache directory: nothing of it is to run on the machine itself
#
# Elsewhere than on Debian or Ubuntu it says in one line what is missing.
set -eu
cd "$(dirname "$0")/.."

fail() {
  echo "$1" >&2
  exit 1
}

install_npm() {
  # npm runs on the machine's own Node: the one in node_modules is what it is about to exchange.
  PATH=$(printf %s "$PATH" | sed "s|$PWD/node_modules/.bin:||g")
  command -v npm > /dev/null || fail 'npm is missing: install Node.js with npm 11 or newer (https://nodejs.org).'
  [ "$(npm --version | cut -d . -f 1)" -ge 11 ] || fail "npm $(npm --version) is too old: npm install -g npm@11"
  echo 'installing the npm packages'
  log=$(mktemp)
  # `npm ci` wants every platform's optional packages in the lock file; a registry that does not carry them all makes
  # lock files without. What is installed then is the same, as the lock file says.
  if npm ci --no-audit --no-fund --loglevel=error > "$log" 2>&1; then
    :
  elif grep -q 'in sync' "$log"; then
    npm install --no-save --no-audit --no-fund --loglevel=error > "$log" 2>&1 || give_up "$log"
  else
    echo 'installing the npm packages: once more'
    npm ci --no-audit --no-fund --loglevel=error > "$log" 2>&1 || give_up "$log"
  fi
  rm -f "$log"
}

give_up() {
  grep -v '^npm error *$' "$1" | head -n 3 >&2
  rm -f "$1"
  fail 'The npm packages cannot be installed.'
}

# command that must be there : Debian package that brings it
needed='
ip:iproute2 nsenter:util-linux setpriv:util-linux nft:nftables vtysh:frr bird:bird2 gobgpd:gobgpd tcpdump:tcpdump
conntrack:conntrack curl:curl openssl:openssl ping:iputils-ping
'

missing_packages() {
  for pair in $needed; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%%:*}" > /dev/null || echo "${pair#*:}"
  done | sort -u
}

# Debian starts a daemon when it is installed. The lab runs routing daemons in namespaces of its own; on the machine
# itself none is to run because of it.
hold_services() {
  [ -e /usr/sbin/policy-rc.d ] && return
  printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
}

unpack_prometheus() {
  command -v prometheus > /dev/null && command -v promtool > /dev/null && return
  unpacked="${XDG_CACHE_HOME:-$HOME/.cache}/bellhop/prometheus"
  [ -x "$unpacked/usr/bin/prometheus" ] && return
  command -v apt-get > /dev/null || fail 'Missing here, to be installed by hand: prometheus and promtool, on PATH'
  echo 'unpacking prometheus'
  work=$(mktemp -d)
  # The sandbox user of apt-get cannot write here, and says so.
  { (cd "$work" && { apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }; }) \
    && dpkg -x "$work"/prometheus_*.deb "$work/tree" && mkdir -p "${unpacked%/*}" && rm -rf "$unpacked" \
    && mv "$work/tree" "$unpacked"; } > /dev/null 2>&1 || { rm -rf "$work"; fail 'The package prometheus cannot be unpacked.'; }
  rm -rf "$work"
}

install_images() {
  needed='buildah:buildah'
  install_lab
}

install_lab() {
  [ "$(id -u)" = 0 ] || fail 'Network namespaces take root: run make with sudo.'
  missing=$(missing_packages | tr '\n' ' ')
  if [ -n "$missing" ]; then
    command -v apt-get > /dev/null || fail "Missing here, to be installed by hand (names as in Debian): $missing"
    echo "installing $missing"
    export DEBIAN_FRONTEND=noninteractive
    hold_services
    # shellcheck disable=SC2086
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } > /dev/null \
      || fail "These packages cannot be installed: $missing"
  fi
  unpack_prometheus
  # Not asked for when the control plane is there already: whoever starts the lab finds it, builds it or says so.
}

case "${1:-}" in
  npm) install_npm ;;
  lab) install_lab ;;
  images) install_images ;;
  *) fail 'usage: tools/install.sh npm | lab | images' ;;
esac
