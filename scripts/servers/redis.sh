# Redis from Debian, without persistence. The package redis-server would start one on the machine's own port and at
# each boot; it holds nothing but that and a link: the program itself is in redis-tools and goes by the name it is
# called.
# shellcheck shell=bash

redis_install() {
  local dir; dir=$(folder redis)
  has redis-server || [[ -x $dir/bin/redis-server ]] || {
    has redis-check-rdb || apt_install redis-tools
    mkdir -p "$dir/bin"
    ln -sf "$(readlink -f "$(command -v redis-check-rdb)")" "$dir/bin/redis-server"
  }
}

redis_program() { command -v redis-server || say "$(folder redis)/bin/redis-server"; }
redis_home() { dirname "$(redis_program)"; }

redis_launch() {
  local dir port; dir=$(folder redis) && port=$(free_port_from 26379)
  rm -rf "$dir/data" && mkdir "$dir/data"
  # The title would replace the command line, by which we know our own.
  launch redis "$port" "$(redis_program)" --dir "$dir/data" --set-proc-title no --bind 127.0.0.1 --port "$port" \
    --requirepass "$PASSWORD" --save '' --appendonly no
}

# shellcheck disable=SC2016 # the inner shell expands it
redis_is_ready() {
  timeout 2 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "AUTH %s\r\nPING\r\n" "$1" >&3 &&
    read -r <&3 && read -r answer <&3 && [[ $answer == +PONG* ]]' "$(port_of redis)" "$PASSWORD" 2>/dev/null
}

redis_url() { say "redis://:$PASSWORD@127.0.0.1:$(port_of redis)/0"; }
