// SPDX-License-Identifier: MIT
#pragma once

#include "domain/passwords.hpp"
#include "store/store.hpp"

#include <cstdint>
#include <string>

/// Decides at the start about demo data, whose passwords everybody knows.
namespace order_server {

/// The values of `--demo-data`.
enum class DemoMode : std::uint8_t {
  automatic,  ///< An empty database is filled, on loopback only.
  on,         ///< An empty database is filled, and demo data is served on any address.
  off,        ///< Nothing is filled, and no test payments are served.
};

/// Whether only this machine can reach `host`, a value of `--host`: 127.0.0.0/8, ::1 or localhost.
[[nodiscard]] bool listens_on_loopback(const std::string& host);

/// What to choose if demo data would be served to others unasked.
[[nodiscard]] std::string demo_data_choices(const std::string& host);

/// Fills an empty store if `mode` and `host` allow it, and returns whether test payments and the
/// demo's pages are to be served: on a database of demo data alone, unless `mode` is off. Logs what
/// it did, and warns when demo data is about to be served to others. Throws std::runtime_error,
/// with a message that names the ways out, where demo data would be served to others unasked;
/// StoreError.
[[nodiscard]] bool start_with_demo_data(Store& store, const PasswordHasher& hasher, DemoMode mode,
                                        const std::string& host, std::int64_t now_ms);

}  // namespace order_server
