# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the verbs of `./dev` need, and how to install what is missing. Sourced by it, behind steps.sh.
# shellcheck disable=SC2034  # `dev` names the lists

build_packages=(g++ cmake ninja-build ccache pkg-config libasio-dev libwebsocketpp-dev libboost-dev
  nlohmann-json3-dev libcpp-jwt-dev libssl-dev libsqlite3-dev libpq-dev libsodium-dev libargon2-dev
  libcli11-dev libspdlog-dev prometheus-cpp-dev libcurl4-openssl-dev catch2 libbenchmark-dev
  liburing-dev libnats-dev zlib1g-dev curl ca-certificates spin libfaketime dpkg-dev)
haproxy_packages=(liblua5.3-0 libopentracing-c-wrapper0 libpcre2-8-0)  # what the program needs
bench_packages=(gnuplot-nox)
fuzz_packages=(clang libclang-rt-dev)
browser_packages=(chromium)
lint_packages=(clang clang-tidy clang-format shellcheck git python3 python3-yaml)
npm_folders=(tests/integration examples/web)

apt_install() {
  "$@" apt-get -q update &&
    "$@" env DEBIAN_FRONTEND=noninteractive apt-get -qy -o DPkg::Lock::Timeout=300 \
      install --no-install-recommends "${missing[@]}"
}

# install PACKAGE...: installs missing Debian packages.
install() {
  local wanted=("$@") present root=()
  command -v dpkg-query >/dev/null ||
    die "this system is not Debian; install the equivalents of: ${wanted[*]}, then use cmake --preset"
  present=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null || true)
  missing=()
  for package in "${wanted[@]}"; do
    grep -qx "installed $package" <<<"$present" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    sudo -n true 2>/dev/null ||
      die "can't install packages: not root, and sudo asks for a password; run as root: apt-get install ${missing[*]}"
    root=(sudo -n)
  fi
  step "install packages" apt_install "${root[@]}"
}

# install_postgresql: a server's programs, for tests that start one of their own. Debian's package would
# also make one for the whole machine, on port 5432, unless it is told not to while it is installed.
install_postgresql() {
  local told=/etc/postgresql-common/createcluster.d/ordercast.conf root=(sudo -n) status=0
  ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || return 0
  ((EUID != 0)) || root=()
  "${root[@]}" mkdir -p "${told%/*}"
  "${root[@]}" tee "$told" >/dev/null <<<'create_main_cluster = false'
  (install postgresql) || status=$?
  "${root[@]}" rm -f "$told"
  return "$status"
}

# install_node: installs Node, npm and the packages in the lock files.
install_node() {
  local node_packages=() folder lock stamp
  # Look for the commands, not the packages: don't replace a Node from elsewhere by Debian's.
  command -v node >/dev/null || node_packages+=(nodejs)
  command -v npm >/dev/null || node_packages+=(npm)
  ((${#node_packages[@]} == 0)) || install "${node_packages[@]}"

  for folder in "${npm_folders[@]}"; do
    lock=$folder/package-lock.json stamp=$folder/node_modules/.lock.sha256
    if ! sha256sum --check --status "$stamp" 2>/dev/null; then
      step "npm ci in $folder" npm --prefix "$folder" ci --no-audit --no-fund
      sha256sum "$lock" >"$stamp"
    fi
  done
}

# install_program NAME [PACKAGE...]: a server of the distribution, where the system has none. Debian's package
# would also start a service, so only the program is taken out of it, into build/tools, and PACKAGEs installed.
install_program() {
  [[ -z $(PATH=$PATH:/usr/sbin:build/tools/usr/sbin command -v "$1") ]] || return 0
  command -v apt-get >/dev/null || die "this is no Debian; install $1"
  install "${@:2}"
  step "fetch $1" fetch_program "$1"
}

fetch_program() {
  local folder=build/tools/download
  mkdir -p "$folder"
  (cd "$folder" && apt-get -q download "$1") && dpkg-deb -x "$folder/$1"_*.deb build/tools
  rm -rf "$folder"
  [[ -x build/tools/usr/sbin/$1 ]]
}

setup() {
  install "${build_packages[@]}"
  install_program nats-server
  install_node
}
