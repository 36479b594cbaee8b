// SPDX-License-Identifier: MIT
#pragma once

#include "support/models/choices.hpp"
#include <ordercast/detail/flat_index.hpp>
#include <ordercast/detail/hash.hpp>
#include <ordercast/detail/slab.hpp>
#include <ordercast/detail/small_list.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

/// The three containers of the core against those of the standard library, in phases: fill, drain
/// to one and to nothing, fill again, with memory that runs out now and then.
namespace ordercast::test {

/// How many of a phase come or go. Far above what a small list keeps inline (2), an index starts
/// with (8) and gives back from (64), and a slab takes at a time (256).
template <class Source>
unsigned pick_count(Source& source) {
  const auto most = source.below(3);
  return 1 + source.below(most == 0 ? 3 : most == 1 ? 80 : 700);
}

template <class Source>
class FlatIndexRun {
 public:
  explicit FlatIndexRun(Source& source) : source_(source), kind_(source.below(4)) {}

  void run() {
    while (!source_.empty()) {
      const auto first = source_.below(keys);
      const auto count = pick_count(source_);
      switch (source_.below(5)) {
        case 0:
        case 1:
          for (unsigned i = 0; i < count; ++i) insert((first + i) % keys);
          break;
        case 2:
          for (unsigned i = 0; i < count; ++i) erase((first + i) % keys);
          break;
        case 3: {
          const auto keep = source_.below(3);
          while (model_.size() > keep) erase(model_.begin()->first);
          break;
        }
        default:
          for (unsigned i = 0; i < count; ++i) replace((first + i) % keys);
      }
      for (std::uint32_t key = 0; key < keys; ++key) {
        const auto found = model_.find(key);
        const auto id = index_.find(hash_of(key), [&](auto one) { return one % keys == key; });
        same(id == (found == model_.end() ? detail::FlatIndex::npos : found->second), "find");
      }
      same(index_.size() == model_.size(), "size");
    }
    while (!model_.empty()) erase(model_.begin()->first);
    same(index_.memory_bytes() == 0, "an empty index holds nothing");
  }

 private:
  static constexpr std::uint32_t keys = 1000;

  /// Hashes that crowd the first slots, run over the end, are all the same, or spread.
  [[nodiscard]] std::uint64_t hash_of(std::uint32_t key) const {
    if (kind_ == 0) return key;
    if (kind_ == 1) return 0xFFFF'FFFFU - key;
    if (kind_ == 2) return key / 32 * 0x0100'0000U;
    return detail::hash_integer(key, 7);
  }
  void insert(std::uint32_t key) {
    if (model_.count(key) != 0) return;
    if (!attempt(source_, [&] { index_.reserve(1); })) return;
    index_.insert(hash_of(key), key);
    model_[key] = key;
  }
  void erase(std::uint32_t key) {
    const auto found = model_.find(key);
    if (found == model_.end()) return;
    same(attempt(source_, [&] { index_.erase(hash_of(key), found->second); }), "it can't fail");
    model_.erase(found);
  }
  void replace(std::uint32_t key) {
    const auto found = model_.find(key);
    if (found == model_.end()) return;
    index_.replace(hash_of(key), found->second, found->second + keys);
    found->second += keys;
  }

  Source& source_;
  unsigned kind_;
  detail::FlatIndex index_;
  std::map<std::uint32_t, std::uint32_t> model_;
};

template <class Source>
class SmallListRun {
 public:
  explicit SmallListRun(Source& source) : source_(source) {}

  void run() {
    while (!source_.empty()) {
      switch (source_.below(4)) {
        case 0:
        case 1:
          for (auto left = pick_count(source_); left > 0; --left) push();
          break;
        case 2: {
          const auto keep = source_.below(4);
          while (model_.size() > keep) pop();
          break;
        }
        default: {
          SmallList other(std::move(list_));
          same(list_.size() == 0, "what was moved from is empty");
          list_ = std::move(other);
        }
      }
      same(list_.size() == model_.size() && list_.empty() == model_.empty(), "size");
      same(std::equal(list_.begin(), list_.end(), model_.begin(), model_.end(),
                      [](const auto& one, int other) { return *one == other; }),
           "elements");
    }
  }

 private:
  /// Owns memory, so that a sanitizer sees an element that is lost or destroyed twice.
  using SmallList = detail::SmallList<std::unique_ptr<int>, 2>;

  void push() {
    auto element = std::make_unique<int>(++next_);
    if (!attempt(source_, [&] { list_.push_back(std::move(element)); })) return;
    model_.push_back(next_);
  }
  void pop() {
    same(attempt(source_, [&] { list_.pop_back(); }), "it can't fail");
    model_.pop_back();
  }

  Source& source_;
  SmallList list_;
  std::vector<int> model_;
  int next_ = 0;
};

template <class Source>
class SlabRun {
 public:
  explicit SlabRun(Source& source) : source_(source) {}

  void run() {
    while (!source_.empty()) {
      switch (source_.below(3)) {
        case 0:
          for (auto left = pick_count(source_); left > 0; --left) acquire();
          break;
        case 1: {
          const auto keep = source_.below(3);
          while (model_.size() > keep) release(model_.begin()->first);
          break;
        }
        default: {
          const auto nth = 1 + source_.below(5);
          auto at = model_.begin();
          for (unsigned i = 0; at != model_.end(); ++i) {
            const auto id = (at++)->first;
            if (i % nth == 0) release(id);
          }
        }
      }
      same(slab_.size() == model_.size(), "size");
      for (const auto& [id, kept] : model_) {
        same(id < slab_.end_id(), "end_id is past every id");
        same(&slab_[id] == kept.second && slab_[id].value == kept.first, "a record stays in place");
      }
    }
    while (!model_.empty()) release(model_.begin()->first);
    same(slab_.memory_bytes() == 0, "an empty slab holds nothing");
  }

 private:
  struct Record {
    unsigned value = 0;
    std::uint32_t link = 7;
    [[nodiscard]] std::uint32_t& free_link() noexcept { return link; }
  };

  void acquire() {
    std::uint32_t id = 0;
    if (!attempt(source_, [&] { id = slab_.acquire(); })) return;
    same(model_.count(id) == 0, "no id is given twice");
    same(slab_[id].value == 0 && slab_[id].link == 7, "a record begins as a new one");
    slab_[id].value = ++next_;
    model_[id] = {next_, &slab_[id]};
  }
  void release(std::uint32_t id) {
    slab_.release(id);
    model_.erase(id);
  }

  Source& source_;
  detail::Slab<Record> slab_;
  std::map<std::uint32_t, std::pair<unsigned, Record*>> model_;
  unsigned next_ = 0;
};

/// One of the three.
template <class Source>
class ContainersRun {
 public:
  explicit ContainersRun(Source& source) : source_(source) {}
  void run() {
    const auto which = source_.below(3);
    if (which == 0) FlatIndexRun<Source>(source_).run();
    if (which == 1) SmallListRun<Source>(source_).run();
    if (which == 2) SlabRun<Source>(source_).run();
  }

 private:
  Source& source_;
};

}  // namespace ordercast::test
