// SPDX-License-Identifier: MIT
#pragma once

#include "network.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace ordercast::simulation {

/// The newest version of each order that one connection has received.
class ReceivedVersions {
 public:
  /// Throws Broken if the connection has received a newer version of the order.
  void add(const std::string& order, std::uint64_t version) {
    auto& newest = newest_[order];
    if (version < newest) {
      throw Broken(order + " went back from " + std::to_string(newest) + " to " +
                   std::to_string(version));
    }
    newest = version;
  }
  void clear() { newest_.clear(); }

 private:
  std::map<std::string, std::uint64_t> newest_;
};

}  // namespace ordercast::simulation
