# Sourced by ./run and ./test: brings the machine to where Guildhall can be built, and builds it.
# Says what it does on stderr. Installs only what is missing, so that it works offline afterwards.

say() { printf '%s\n' "$*" >&2; }
die() {
  say "$1"
  [ $# -lt 2 ] || say "hint: $2"
  exit 1
}

# Is what the probe names there?
present() {
  case "$1" in
    cmd:*) command -v "${1#cmd:}" >/dev/null 2>&1 ;;
    file:*) compgen -G "${1#file:}" >/dev/null ;;
    *) return 1 ;;
  esac
}

# missing_packages run|test: names of packages that are not there.
missing_packages() {
  local section=run package probe reason
  while read -r package probe reason; do
    [ "$package $probe" = "# tests" ] && section=test
    case "$package" in '' | '#'*) continue ;; esac
    [ "$1" = run ] && [ "$section" = test ] && continue
    # Somebody's own Node.js is used as it is and never replaced by Debian's.
    present "$probe" || printf '%s\n' "$package"
  done <packages.txt
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "Packages are missing and neither root nor sudo is at hand." "As root: apt-get install $missing"
  fi
}

install_packages() {
  missing=$(missing_packages "$1" | tr '\n' ' ')
  [ -n "${missing// /}" ] || return 0
  command -v apt-get >/dev/null || die "These packages are missing: $missing" "Guildhall is built on Debian 12."
  if [[ " $missing" == *" npm "* ]] && command -v node >/dev/null && ! dpkg -S "$(readlink -f "$(command -v node)")" >/dev/null 2>&1; then
    die "This Node.js ($(command -v node)) has no npm beside it." "Install npm for it; Debian's npm would replace this Node.js."
  fi
  say "Installing Debian packages: $missing"
  if ! compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null; then as_root apt-get update >&2 || die "apt-get update failed."; fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends install $missing </dev/null >&2 ||
    die "apt-get could not install: $missing" "Run 'apt-get update' and try again."
}

# build PRESET TARGET...
build() {
  local preset=$1
  shift
  export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
  export CCACHE_BASEDIR=$PWD
  # What a file includes is told by the compiler, which writes it down anyway, and not by a preprocessor's run of its own.
  export CCACHE_DEPEND=1
  local batches=()
  if [ ! -f "build/$preset/build.ninja" ]; then
    say "Building Guildhall ($preset); the first time takes some minutes."
    batches=(-DCMAKE_UNITY_BUILD=ON) # cmake/batches.cmake
  fi
  # clang-tidy looks at each file by itself.
  [ -z "${GUILDHALL_TIDY:-}" ] || batches=(-DCMAKE_UNITY_BUILD=OFF)
  mkdir -p build
  cmake --preset "$preset" "${batches[@]}" >"build/configure-$preset.log" 2>&1 || { cat "build/configure-$preset.log" >&2; die "Configuring failed."; }
  ninja -C "build/$preset" "$@" >&2 || die "The build failed." "The error stands above."
}
