# MySQL 9. Debian 12 has none; Debian's development suite has, and its packages run from a private root with their own
# libc, untouched by and not touching the machine's. That suite moves: any failure here is "not to be had".
# shellcheck shell=bash

MYSQL_PACKAGES=(mysql-server-core libc6 libstdc++6 libgcc-s1 libssl3t64 libprotobuf-lite32t64 libicu78 libaio1t64 libnuma1
  libgoogle-perftools4t64 libunwind8 liblz4-1 liblzma5 libxxhash0 libzstd1 zlib1g)
REMEMBER_MINUTES=30 # a failed install is not tried again by the next test process

fetch_mysql() {
  local dir apt base option
  dir=$(folder mysql) && apt="$dir/apt"
  base=$(grep -rhoE '^URIs: [^ ]+/debian/?$|^deb [^#]*/debian/? ' /etc/apt/sources.list /etc/apt/sources.list.d/ 2>/dev/null |
    grep -oE '[a-z]+://[^ ]+' | head -n 1)
  [[ -n $base ]] || { say "no Debian archive is configured for apt"; return 1; }
  rm -rf "$apt" "$dir/root" "$dir/root.new"
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$dir/root.new" && : >"$apt/status"
  say "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $base sid main" >"$apt/sources.list"
  local options=()
  for option in "Dir::Etc::sourcelist=$apt/sources.list" Dir::Etc::sourceparts=/dev/null Dir::Etc::preferencesparts=/dev/null \
    "Dir::State::lists=$apt/lists" "Dir::State::status=$apt/status" "Dir::Cache=$apt/cache" APT::Sandbox::User=root \
    Acquire::Languages=none Acquire::Retries=2; do options+=(-o "$option"); done
  timeout 120 apt-get "${options[@]}" update -q >"$apt/log" 2>&1 || { tail -n 1 "$apt/log"; return 1; }
  (cd "$apt/cache/archives" && timeout 300 apt-get "${options[@]}" download -q "${MYSQL_PACKAGES[@]}") >>"$apt/log" 2>&1 ||
    { tail -n 1 "$apt/log"; return 1; }
  for option in "$apt"/cache/archives/*.deb; do dpkg-deb -x "$option" "$dir/root.new" || return 1; done
  mv "$dir/root.new" "$dir/root" && rm -rf "$apt"
}

mysql_command() {
  local root libraries
  root="$(folder mysql)/root" && libraries="$root/usr/lib/x86_64-linux-gnu"
  MYSQL=("$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" "$root/usr/sbin/mysqld" --no-defaults "${AS_ROOT[@]}"
    "--basedir=$root/usr" "--lc-messages-dir=$root/usr/share/mysql" --secure-file-priv=NULL --mysqlx=OFF --skip-log-bin
    --collation-server=utf8mb4_bin --character-set-server=utf8mb4 --transaction-isolation=READ-COMMITTED
    --innodb-flush-log-at-trx-commit=1 --innodb-lock-wait-timeout=5 --innodb-buffer-pool-size=256M --max-connections=400)
}

give_up_on_mysql() {
  say "$1" >"$(folder mysql)/unavailable"
  say "mysql: MySQL 9 cannot be had here ($1); MariaDB alone is tested" >&2
  exit "$UNAVAILABLE"
}

mysql_install() {
  local dir reason; dir=$(folder mysql)
  [[ -n $(find "$dir/unavailable" -mmin "-$REMEMBER_MINUTES" 2>/dev/null) ]] && give_up_on_mysql "$(cat "$dir/unavailable")"
  rm -f "$dir/unavailable"
  [[ $(uname -m) == x86_64 ]] || give_up_on_mysql "its packages are fetched for x86_64 only"
  [[ -d $dir/root ]] || reason=$(fetch_mysql 2>&1) || give_up_on_mysql "${reason:-unpacking failed}"
  mysql_command
  [[ ! -d $dir/data ]] || return 0
  rm -rf "$dir/data.new"
  timeout 120 "${MYSQL[@]}" --datadir="$dir/data.new" --initialize-insecure >"$dir/install.log" 2>&1 ||
    { rm -rf "$dir/root"; give_up_on_mysql "$(tail -n 1 "$dir/install.log")"; }
  mv "$dir/data.new" "$dir/data"
}

mysql_home() { say "$(folder mysql)/root"; }
mysql_launch() { launch_database mysql 23306 "${MYSQL[@]}"; }
mysql_is_ready() { database_greets mysql; }
mysql_url() { database_url mysql; }
