// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/types.hpp>

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// The registry in its simplest form, so that it is plainly correct.
namespace ordercast::test {

struct NaiveRegistry {
  std::map<int, Identity> who;
  std::set<std::pair<int, std::string>> held;

  bool connect(int handle, const Identity& identity) {
    return who.emplace(handle, identity).second;
  }
  std::size_t disconnect(int handle) {
    std::size_t dropped = 0;
    for (auto at = held.begin(); at != held.end();) {
      if (at->first == handle) {
        at = held.erase(at);
        ++dropped;
      } else {
        ++at;
      }
    }
    who.erase(handle);
    return dropped;
  }
  bool subscribe(int handle, const std::string& order) {
    return who.count(handle) != 0 && held.emplace(handle, order).second;
  }
  bool unsubscribe(int handle, const std::string& order) {
    return held.erase({handle, order}) != 0;
  }
  std::vector<int> subscribers(const std::string& order) const {
    std::vector<int> found;
    for (const auto& [handle, id] : held) {
      if (id == order) found.push_back(handle);
    }
    return found;
  }
  std::vector<int> watchers(const OrderEvent& change) const {
    std::vector<int> found;
    for (const auto& [handle, identity] : who) {
      if (may_watch(identity, change.owner, change.organization, change.assignee))
        found.push_back(handle);
    }
    return found;
  }
};

}  // namespace ordercast::test
