# Debian packages: installed where they start nothing on their own, or only unpacked into a folder of ours.
# shellcheck shell=bash

APT=(apt-get -q -o DPkg::Lock::Timeout=120 -o Acquire::Retries=2)
APT_LOG="$HOME_DIR/apt.log"
APT_UPDATED=''

has() { [[ -x $(command -v "$1") ]]; }

# Once per run. A failure is no end: an old list may still do.
apt_update() {
  [[ -n $APT_UPDATED ]] || ((EUID != 0)) || "${APT[@]}" update >"$APT_LOG" 2>&1 || true
  APT_UPDATED=yes
}

apt_install() {
  { ((EUID == 0)) && has apt-get; } ||
    fail "these packages are missing. Install them, then try again: sudo apt-get install --no-install-recommends $*"
  export DEBIAN_FRONTEND=noninteractive
  apt_update
  "${APT[@]}" install -y --no-install-recommends "$@" >>"$APT_LOG" 2>&1 ||
    fail "could not install $*: $(tail -n 1 "$APT_LOG")"
}

# apt_unpack FOLDER PACKAGE…: needs no root, and runs none of the packages' scripts.
apt_unpack() {
  local dir=$1 file; shift
  has apt-get || fail "these packages are missing, and there is no apt-get to fetch them: $*"
  apt_update
  rm -rf "$dir" "$dir.new" && mkdir -p "$dir.new/packages"
  (cd "$dir.new/packages" && "${APT[@]}" download "$@") >>"$APT_LOG" 2>&1 ||
    fail "could not download $*: $(tail -n 1 "$APT_LOG")"
  for file in "$dir.new"/packages/*.deb; do dpkg-deb -x "$file" "$dir.new" || fail "could not unpack $file"; done
  rm -rf "$dir.new/packages" && mv "$dir.new" "$dir"
}
