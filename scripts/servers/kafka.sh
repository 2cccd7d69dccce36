# One Apache Kafka broker, its own controller (KRaft), from Maven Central.
# shellcheck shell=bash

KAFKA_FILES="$ROOT/scripts/servers/kafka"
JAVA_VERSION=17

kafka_install() {
  local dir; dir=$(folder kafka)
  need_java
  [[ $dir/libs -nt $KAFKA_FILES/pom.xml ]] || fetch_kafka
  [[ -e $dir/archive.tried ]] || archive_classes
}

need_java() {
  has java || apt_install default-jre-headless
  local version; version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
  ((${version:-0} >= JAVA_VERSION)) || fail "kafka: needs Java $JAVA_VERSION or newer, and java is ${version:-of no known version}"
}

fetch_kafka() {
  local dir; dir=$(folder kafka)
  has mvn || apt_install maven
  rm -rf "$dir/libs" "$dir/libs.new" "$dir"/archive*
  (cd "$KAFKA_FILES" && mvn -q -B dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$dir/libs.new") \
    >"$dir/install.log" 2>&1 </dev/null || fail "kafka: Maven could not fetch it: $(grep -m 1 ERROR "$dir/install.log")"
  mv "$dir/libs.new" "$dir/libs" && touch "$dir/libs"
}

# Classes that are parsed and verified beforehand halve the time to start. Without them everything works as well.
archive_classes() {
  local dir archive; dir=$(folder kafka) && archive=$dir/archive
  touch "$archive.tried"
  KAFKA_ARCHIVE=-XX:ArchiveClassesAtExit=$archive.new kafka_launch
  if wait_until_ready kafka && stop kafka TERM && [[ -s $archive.new ]]; then mv "$archive.new" "$archive"; fi
  down kafka >/dev/null
}

kafka_home() { folder kafka; }

kafka_command() {
  local dir; dir=$(folder kafka)
  KAFKA=(java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -Xlog:disable -Xlog:all=error:stderr
    "${KAFKA_ARCHIVE:--XX:SharedArchiveFile=$dir/archive}" "-Dlog4j2.configurationFile=$KAFKA_FILES/log4j2.properties"
    -cp "$dir/libs/*")
}

kafka_launch() {
  local dir port controller; dir=$(folder kafka) && port=$(free_port_from 29092) && controller=$(free_port_from $((port + 1)))
  rm -rf "$dir/data" && mkdir "$dir/data"
  sed "s|@DATA@|$dir/data|; s|@PORT@|$port|g; s|@CONTROLLER_PORT@|$controller|g" "$KAFKA_FILES/server.properties" >"$dir/data/server.properties"
  kafka_command
  "${KAFKA[@]}" kafka.tools.StorageTool format --standalone --cluster-id ZGlzdHJpYnV0ZWRqb2ItMQ --config "$dir/data/server.properties" \
    >"$dir/format.log" 2>&1 || fail "kafka: could not format its storage: $(tail -n 1 "$dir/format.log")"
  launch kafka "$port" "${KAFKA[@]}" kafka.Kafka "$dir/data/server.properties"
}

kafka_is_ready() { grep -q 'Kafka Server started' "$(folder kafka)/log" && listens "$(port_of kafka)"; }
kafka_url() { say "127.0.0.1:$(port_of kafka)"; }
