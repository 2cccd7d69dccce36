# MariaDB from Debian. The -core packages hold the server and its tools and start nothing on their own.
# shellcheck shell=bash

mariadb_install() {
  local dir; dir=$(folder mariadb)
  { has mariadbd && has mariadb-install-db; } || apt_install mariadb-server-core mariadb-client-core
  [[ ! -d $dir/data ]] || return 0
  rm -rf "$dir/data.new"
  mariadb-install-db --no-defaults "${AS_ROOT[@]}" --datadir="$dir/data.new" --tmpdir="$dir" \
    --auth-root-authentication-method=normal --skip-test-db >"$dir/install.log" 2>&1 ||
    fail "mariadb-install-db failed: $(tail -n 1 "$dir/install.log")"
  mv "$dir/data.new" "$dir/data"
}

mariadb_home() { dirname "$(command -v mariadbd)"; }

mariadb_launch() {
  launch_database mariadb 21306 mariadbd --no-defaults "${AS_ROOT[@]}" --collation-server=utf8mb4_bin \
    --character-set-server=utf8mb4 --transaction-isolation=READ-COMMITTED --innodb-flush-log-at-trx-commit=1 \
    --innodb-lock-wait-timeout=5 --innodb-buffer-pool-size=512M --innodb-log-file-size=96M --max-connections=400
}

mariadb_is_ready() { database_greets mariadb; }
mariadb_url() { database_url mariadb; }
