# Three members of etcd from Debian, unpacked only: the package would start one on the machine's own port.
# shellcheck shell=bash

etcd_install() {
  { has etcd && has etcdctl; } || [[ -d $(folder etcd)/root ]] || apt_unpack "$(folder etcd)/root" etcd-server etcd-client
}

etcd_home() { if has etcd && has etcdctl; then dirname "$(command -v etcd)"; else say "$(folder etcd)/root/usr/bin"; fi; }

etcd_launch() {
  local member dir cluster='' programs client=22379 peer=22579 ports=() peers=()
  programs=$(etcd_home)
  for member in 0 1 2; do
    ports[member]=$(free_port_from "$client") && client=$((ports[member] + 1))
    peers[member]=$(free_port_from "$peer") && peer=$((peers[member] + 1))
    cluster+=",$((member + 1))=http://127.0.0.1:${peers[member]}"
  done
  for member in 0 1 2; do
    dir=$(folder "etcd/$((member + 1))")
    rm -rf "$dir" && mkdir -p "$dir"
    # Every member's death is a process' death here, never the machine's: no need to wait for a busy disk.
    launch "etcd/$((member + 1))" "${ports[member]}" "$programs/etcd" --name "$((member + 1))" --data-dir "$dir/data" \
      --listen-client-urls "http://127.0.0.1:${ports[member]}" --advertise-client-urls "http://127.0.0.1:${ports[member]}" \
      --listen-peer-urls "http://127.0.0.1:${peers[member]}" --initial-advertise-peer-urls "http://127.0.0.1:${peers[member]}" \
      --initial-cluster "${cluster#,}" --initial-cluster-token "$HOME_DIR" --heartbeat-interval 50 --election-timeout 500 \
      --unsafe-no-fsync --logger zap --log-level warn
  done
}

etcd_is_ready() {
  ETCDCTL_API=3 "$(etcd_home)/etcdctl" --endpoints "$(etcd_url)" --dial-timeout 1s --command-timeout 2s endpoint health >/dev/null 2>&1
}

etcd_url() { say "127.0.0.1:$(port_of etcd/1),127.0.0.1:$(port_of etcd/2),127.0.0.1:$(port_of etcd/3)"; }
