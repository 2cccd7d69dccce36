# What MariaDB and MySQL have in common. User `dj` may do anything in databases whose names begin with `dj_`.
# shellcheck shell=bash

USER_NAME=dj
AS_ROOT=()
((EUID != 0)) || AS_ROOT=(--user=root)

write_init_file() {
  cat >"$1" <<SQL
CREATE USER IF NOT EXISTS '$USER_NAME'@'%' IDENTIFIED BY '$PASSWORD';
GRANT ALL PRIVILEGES ON \`dj\\_%\`.* TO '$USER_NAME'@'%';
GRANT PROCESS ON *.* TO '$USER_NAME'@'%';
SQL
}

# launch_database NAME PORT COMMAND…: a relative socket lands in the data folder and stays short in a deep checkout.
# A folder of its own for temporary tables: a MariaDB that starts deletes what others have in a shared one.
launch_database() {
  local name=$1 port dir; port=$(free_port_from "$2") && dir=$(folder "$1"); shift 2
  write_init_file "$dir/init.sql"
  launch "$name" "$port" "$@" --datadir="$dir/data" --socket=server.sock --pid-file="$dir/server.pid" \
    --init-file="$dir/init.sql" --tmpdir="$dir" --bind-address=127.0.0.1 --port="$port" --performance-schema=OFF --skip-name-resolve
}

# The greeting is sent only after the init file has run, so whoever gets it finds the user and its rights in place.
# shellcheck disable=SC2016 # the inner shell expands it
database_greets() { timeout 2 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && head -c 5 <&3 >/dev/null' "$(port_of "$1")" 2>/dev/null; }

database_url() { say "$USER_NAME:$PASSWORD@127.0.0.1:$(port_of "$1")"; }
