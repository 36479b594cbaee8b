// SPDX-License-Identifier: MIT
#include "config_fixture.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace order_server;

TEST_CASE("without arguments the documented defaults hold", "[config]") {
  const auto config = config_of({});
  CHECK(config.host == "127.0.0.1");
  CHECK(config.port == 7001);
  CHECK(config.threads == 1);
  CHECK(config.ops_port == 0);
  CHECK(config.drain == std::chrono::seconds(10));
  CHECK(config.access_token == std::chrono::minutes(15));
  CHECK(config.refresh_token == std::chrono::hours(24 * 30));
  CHECK(config.max_connections_per_user == 20);
  CHECK(config.max_subscriptions == 100);
  CHECK(config.messages_per_second == 50);
  CHECK(config.message_burst == 200);
  CHECK(config.max_message_bytes == 4096);
  CHECK(config.demo_data == order_server::DemoMode::automatic);
  CHECK(config.allowed_origins.empty());
  CHECK(config.notices.size() == 2);  // pushes are only logged, and provider ids are made up
}

TEST_CASE("flags are read, and of two the last counts", "[config]") {
  const auto config =
      config_of({"--port", "0", "--threads=4", "--threads", "8", "--db", "x.db", "--drain-seconds",
                 "600", "--demo-data", "off", "--transport", "asio", "--io", "send",
                 "--allowed-origins", "https://a.example,http://localhost:5173",
                 "--trusted-proxies", "10.0.0.1, ::1, 10.1.0.0/16"});
  CHECK(config.port == 0);
  CHECK(config.threads == 8);
  CHECK(config.db == "x.db");
  CHECK(config.drain == std::chrono::seconds(600));
  CHECK(config.demo_data == order_server::DemoMode::off);
  CHECK(config.transport == order_server::Transport::asio);
  CHECK(config.io == ordercast::net::IoMode::send);
  CHECK(config.allowed_origins ==
        std::vector<std::string>{"https://a.example", "http://localhost:5173"});
  CHECK(config.trusted_proxies == std::vector<std::string>{"10.0.0.1", "::1", "10.1.0.0/16"});
  CHECK(config.permessage_deflate);
  CHECK_FALSE(config_of({"--permessage-deflate", "off"}).permessage_deflate);
}

TEST_CASE("a bad value is one line that names the option, the value and what is allowed",
          "[config]") {
  struct Case {
    std::vector<std::string> arguments;
    std::string named;
    std::string allowed;
  };
  for (const auto& test : std::vector<Case>{
           {{"--port", "seven"}, "--port: 'seven'", "0 to 65535"},
           {{"--port", "65536"}, "--port: '65536'", "0 to 65535"},
           {{"--port", "-1"}, "--port: '-1'", "0 to 65535"},
           {{"--port", "80x"}, "--port: '80x'", "0 to 65535"},
           {{"--port", "010"}, "--port: '010'", "0 to 65535"},  // not eight
           {{"--port", "0x10"}, "--port: '0x10'", "0 to 65535"},
           {{"--port", "+1"}, "--port: '+1'", "0 to 65535"},
           {{"--port", " 1"}, "--port: ' 1'", "0 to 65535"},
           {{"--port="}, "--port", ""},
           {{"--max-unsent-bytes", "0"}, "--max-unsent-bytes: '0'", "65536 to 1073741824 (bytes)"},
           {{"--max-unsent-total-bytes", "1"}, "--max-unsent-total-bytes: '1'", "1048576 to"},
           {{"--max-outbox-bytes", "-1"}, "--max-outbox-bytes: '-1'", "4096 to"},
           {{"--max-outbox-messages", "0"}, "--max-outbox-messages: '0'", "1 to 1000000"},
           {{"--max-pipelined-requests", "0"}, "--max-pipelined-requests: '0'", "1 to 1024"},
           {{"--queue-bytes", "1e6"}, "--queue-bytes: '1e6'", "1048576 to"},
           {{"--login-failures", "0"}, "--login-failures: '0'", "1 to 10000"},
           {{"--threads", "0"}, "--threads: '0'", "1 to 256"},
           {{"--drain-seconds", "1.5"}, "--drain-seconds: '1.5'", "0 to 3600 (seconds)"},
           {{"--max-connections", "99999999999999999999"}, "--max-connections", "0 to 10000000"},
           {{"--transport", "carrier-pigeon"},
            "--transport: 'carrier-pigeon'",
            "websocketpp, asio"},
           {{"--io", "smoke"}, "--io: 'smoke'", "auto, uring, send"},
           {{"--permessage-deflate", "yes"}, "--permessage-deflate: 'yes'", "on, off"},
           {{"--demo-data", "yes"}, "--demo-data: 'yes'", "auto, on, off"},
           {{"--log-level", "loud"}, "--log-level: 'loud'", "debug, info"},
           {{"--allowed-origins", "https://a.example,*"}, "--allowed-origins: '*'", "an origin"},
           {{"--allowed-hosts", "https://a.example"}, "--allowed-hosts: 'https", "a host name"},
           {{"--allowed-origins", "https://a.example/"}, "'https://a.example/'", "an origin"},
           {{"--trusted-proxies", "proxy.local"},
            "--trusted-proxies: 'proxy.local'",
            "an IP address"},
           {{"--ops-port", "7001"}, "--ops-port", "differ"},
           {{"--web-root", "/no/such/folder"},
            "--web-root: '/no/such/folder'",
            "contains no index.html"},
           {{"--no-such-option"}, "--no-such-option", ""},
           {{"stray"}, "unexpected argument", "begin with --"},
           {{"--db", ""}, "--db", ""},
           {{"--config", "/no/such/file"}, "/no/such/file", ""},
           {{"--config", "/dev/zero"}, "longer than 64 KiB", ""},
           {{"--config", "/"}, "--config: the file '/'", "not a regular file"},
           {{"--config", "/proc/self/mem"}, "can't be read to its end", ""},
           {{"--port"}, "--port", ""},
           {{"--jwt-secret", "s"}, "--jwt-secret", ""}}) {
    const auto end = exit_of(test.arguments);
    INFO(end.error);
    CHECK(end.code != 0);
    CHECK(end.out.empty());
    CHECK(contains(end.error, test.named));
    CHECK(contains(end.error, test.allowed));
    CHECK_FALSE(contains(end.error, "\n"));
  }
}

TEST_CASE("--help names every option with its default, and the secrets' variables", "[config]") {
  const auto end = exit_of({"--help"});
  CHECK(end.code == 0);
  CHECK(end.error.empty());
  for (const auto* option : {"--host",
                             "--port",
                             "--ops-port",
                             "--threads",
                             "--transport",
                             "--db",
                             "--db-readers",
                             "--demo-data",
                             "--allowed-origins",
                             "--trusted-proxies",
                             "--allowed-hosts",
                             "--writes-per-second",
                             "--staff-writes-per-second",
                             "--drain-seconds",
                             "--max-connections",
                             "--max-connections-per-user",
                             "--max-subscriptions",
                             "--max-message-bytes",
                             "--permessage-deflate",
                             "--max-body-bytes",
                             "--messages-per-second",
                             "--message-burst",
                             "--handshakes-per-second",
                             "--logins-per-second",
                             "--queue-limit",
                             "--queue-bytes",
                             "--login-failures",
                             "--write-stall-seconds",
                             "--max-unsent-bytes",
                             "--max-unsent-total-bytes",
                             "--max-outbox-bytes",
                             "--max-outbox-messages",
                             "--max-pipelined-requests",
                             "--ping-seconds",
                             "--pong-seconds",
                             "--access-token-minutes",
                             "--refresh-token-hours",
                             "--log-level",
                             "--config"}) {
    CAPTURE(option);
    const auto at = end.out.find(std::string(option) + " ");
    REQUIRE(at != std::string::npos);
    CHECK(contains(end.out.substr(at, end.out.find('\n', at) - at), "[default: "));
  }
  for (const auto* name : {"JWT_SECRET", "RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET",
                           "RAZORPAY_WEBHOOK_SECRET", "FCM_SERVICE_ACCOUNT", "NAME_FILE"}) {
    CHECK(contains(end.out, name));
  }
}

TEST_CASE("the flag --version says the version", "[config]") {
  CHECK(exit_of({"--version"}).code == 0);
  CHECK(contains(exit_of({"--version"}).out, "order_server 0."));
}

TEST_CASE("a file gives options, flags win over it, and what it misspells is an error",
          "[config]") {
  const TempDir directory;
  const auto file = directory.file("server.conf");
  const auto write = [&](const char* text) { std::ofstream(file) << text; };
  write("port=7100\nthreads=3\nallowed-origins=\"https://a.example\"\n");
  const auto config = config_of({"--config", file, "--threads", "5"});
  CHECK(config.port == 7100);
  CHECK(config.threads == 5);
  CHECK(config.allowed_origins == std::vector<std::string>{"https://a.example"});

  write("prot=7100\n");
  CHECK(contains(exit_of({"--config", file}).error, "line 1: 'prot' is not the name of an option"));
  for (const auto* line : {"=5", "--port=7100", "-port=7100", "\"port\"=7100", "[port]\nport=7100",
                           "port:7100", "  =  ", "port"}) {
    CAPTURE(line);
    write(line);
    CHECK(contains(exit_of({"--config", file}).error, "line 1"));
  }
  write("port=lots\n");
  CHECK(contains(exit_of({"--config", file}).error, "lots"));
}

TEST_CASE("a value of a file is one value", "[config]") {
  const TempDir directory;
  const auto file = directory.file("server.conf");
  const auto write = [&](const char* text) { std::ofstream(file) << text; };
  for (const char* text : {"db=my shop.db\n", "db=new.db ; the database\n", "db=a.db\ndb=b.db\n"}) {
    write(text);
    CAPTURE(text);
    CHECK(contains(exit_of({"--config", file}).error, "--db: the config file gives it more"));
    CHECK(config_of({"--config", file, "--db", "given.db"}).db == "given.db");
  }
  write("db=\"my shop.db\"\n");
  CHECK(config_of({"--config", file}).db == "my shop.db");
  CHECK(config_of({"--port", "1", "--port", "2"}).port == 2);
}

TEST_CASE("a list in a config file is separated by commas, with or without quotes", "[config]") {
  TempDir directory;
  const auto file = directory.file("order_server.conf");
  std::ofstream(file) << "allowed-hosts=a.example,b.example\n"
                         "allowed-origins = \"https://a.example, https://b.example\"\n"
                         "trusted-proxies=10.0.0.1, fd00::/8\n"
                         "nats=nats://[::1]:4222,nats://10.0.0.2:4222\n";
  const auto config = config_of({"--config", file});
  CHECK(config.allowed_hosts == std::vector<std::string>{"a.example", "b.example"});
  CHECK(config.allowed_origins ==
        std::vector<std::string>{"https://a.example", "https://b.example"});
  CHECK(config.trusted_proxies == std::vector<std::string>{"10.0.0.1", "fd00::/8"});
  CHECK(config.nats == std::vector<std::string>{"nats://[::1]:4222", "nats://10.0.0.2:4222"});
}

TEST_CASE("a file that can't be what an option needs is refused by name", "[config]") {
  for (const std::string name : {"--ca-file", "--nats-ca"}) {
    for (const std::string file : {"/", "/dev/null", "/etc/passwd"}) {
      CAPTURE(name, file);
      CHECK(contains(exit_of({name, file}).error, name));
      CHECK(contains(exit_of({name, file}).error, "'" + file + "'"));
    }
  }
  CHECK(contains(exit_of({"--nats-credentials", "/"}).error, "--nats-credentials"));
  CHECK(contains(exit_of({"--tls-cert", "/", "--tls-key", "/"}).error, "--tls-"));

  auto variables = good_secrets;
  variables["FCM_SERVICE_ACCOUNT"] = "/";
  CHECK(contains(exit_of({}, variables).error, "FCM_SERVICE_ACCOUNT: the file '/'"));
  variables["FCM_SERVICE_ACCOUNT"] = "";
  CHECK(contains(exit_of({}, variables).error, "FCM_SERVICE_ACCOUNT is empty"));
}

TEST_CASE("the URL of a service has no user, and a port that exists", "[config]") {
  for (const std::string name : {"--razorpay-base-url", "--fcm-base-url", "--fcm-token-url"}) {
    CAPTURE(name);
    for (const std::string url : {"https://user:hunter2@h", "http://127.0.0.1:x@evil.example",
                                  "https://h:0", "https://h:", "http://127.0.0.1:99999",
                                  "http://127.0.0.1:", "https://:443", "https://h:4x3/a"}) {
      CAPTURE(url);
      const auto refused = exit_of({name, url}).error;
      CHECK(contains(refused, name));
      CHECK_FALSE(contains(refused, "hunter2"));
    }
    for (const std::string url :
         {"https://h", "https://h:8443/a", "http://127.0.0.1:1", "http://[::1]:65535"}) {
      CAPTURE(url);
      config_of({name, url});
    }
  }
}

TEST_CASE("a certificate needs its key, and both must be files that can be read", "[config]") {
  const TempDir folder;
  const auto file = (folder.path() / "some.pem").string();
  std::ofstream(file) << "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n";
  CHECK(config_of({"--tls-cert", file, "--tls-key", file}).tls_key == file);
  CHECK(contains(exit_of({"--tls-cert", file}).error, "--tls-key"));
  CHECK(contains(exit_of({"--tls-key", file}).error, "--tls-cert"));
  CHECK(contains(exit_of({"--tls-cert", "/no/such.pem", "--tls-key", file}).error, "/no/such.pem"));
}

TEST_CASE("a node of a cluster is named, and told where NATS is", "[config]") {
  const auto config =
      config_of({"--node", "eu-1.a", "--nats", "nats://10.0.0.1:4222, tls://n.example"},
                {{"JWT_SECRET", std::string(32, 's')}, {"NATS_TOKEN", "t0ken"}});
  CHECK(config.node == "eu-1.a");
  CHECK(config.nats == std::vector<std::string>{"nats://10.0.0.1:4222", "tls://n.example"});
  CHECK(config.nats_token == "t0ken");
  CHECK(config_of({}).nats.empty());

  const auto secret = exit_of({"--nats", "nats://user:hunter2@10.0.0.1:4222"});
  CHECK(secret.code == 2);
  CHECK(contains(secret.error, "without a user"));
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"--nats", "10.0.0.1:4222"},
                                                        {"--nats", "http://h"},
                                                        {"--node", "a b"},
                                                        {"--node", std::string(65, 'n')},
                                                        {"--nats-stream", "a.b"},
                                                        {"--nats-replicas", "6"},
                                                        {"--nats-ca", "/no/such/file"}}) {
    const auto refused = exit_of({name, value});
    CHECK(refused.code == 2);
    CHECK(contains(refused.error, name));
  }
  const TempDir folder;
  std::ofstream(folder.file("node.pem")) << "-----BEGIN CERTIFICATE-----\n";
  CHECK(contains(exit_of({"--nats-cert", folder.file("node.pem")}).error, "set both"));
}

TEST_CASE("a log line is text or JSON", "[config]") {
  CHECK(config_of({}).log_format == LogFormat::text);
  CHECK(config_of({"--log-format", "json"}).log_format == LogFormat::json_lines);
  CHECK(contains(exit_of({"--log-format=xml"}).error, "allowed are text, json"));
}
