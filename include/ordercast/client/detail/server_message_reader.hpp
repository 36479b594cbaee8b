// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/client/messages.hpp>
#include <ordercast/types.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// The parser's callbacks for server messages: collects the known fields of the outermost object
/// and cuts its `data` out of the text. One thread; linear; memory of the known fields only.
namespace ordercast::client::detail {

/// An iterator that records how far the parser has read, which the parser does not tell.
class TrackedIterator {
 public:
  // NOLINTBEGIN(readability-identifier-naming): names of the standard library.
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;
  // NOLINTEND(readability-identifier-naming)

  TrackedIterator(const char* at, const char** furthest) noexcept : at_(at), furthest_(furthest) {}

  reference operator*() const noexcept { return *at_; }
  TrackedIterator& operator++() noexcept {
    *furthest_ = ++at_;
    return *this;
  }
  TrackedIterator operator++(int) noexcept {
    auto before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const TrackedIterator& a, const TrackedIterator& b) noexcept {
    return a.at_ == b.at_;
  }
  friend bool operator!=(const TrackedIterator& a, const TrackedIterator& b) noexcept {
    return !(a == b);
  }

 private:
  const char* at_;
  const char** furthest_;
};

class ServerMessageReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  /// `at`: the parser's position, which the iterator keeps up to date.
  ServerMessageReader(std::size_t max_depth, const char* const& at)
      : max_depth_(max_depth), at_(at) {}

  bool null() override { return other(); }
  bool boolean(bool /*value*/) override { return other(); }
  bool number_integer(number_integer_t value) override {
    return value >= 0 ? number_unsigned(static_cast<number_unsigned_t>(value)) : other();
  }
  bool number_unsigned(number_unsigned_t value) override {
    other();
    if (is_version() && value <= max_version) version_ = value;
    return true;
  }
  /// JavaScript has one kind of number, so 7.0 is a version.
  bool number_float(number_float_t value, const string_t& /*text*/) override {
    other();
    const bool is_integer =
        value >= 0 && value <= static_cast<double>(max_version) && std::floor(value) == value;
    if (is_version() && is_integer) version_ = static_cast<std::uint64_t>(value);
    return true;
  }
  bool string(string_t& value) override {
    other();
    if (auto* text = text_field()) text->value = std::move(value);
    return true;
  }
  bool binary(binary_t& /*value*/) override { return false; }  // JSON text has none.
  bool start_object(std::size_t /*elements*/) override {
    other();
    if (depth_ == 0) is_object_ = true;
    if (depth_ == 1 && field_ == Field::data) {
      in_data_ = true;
      data_begin_ = at_ - 1;
    }
    in_version_ = false;
    return ++depth_ <= max_depth_;
  }
  bool key(string_t& name) override {
    if (depth_ == 1) field_ = field_named(name);
    if (depth_ == 2) in_version_ = in_data_ && name == "version";
    return true;
  }
  bool end_object() override {
    if (--depth_ == 1 && in_data_) {
      in_data_ = false;
      data_ = std::string_view(data_begin_, static_cast<std::size_t>(at_ - data_begin_));
    }
    in_version_ = false;
    return true;
  }
  bool start_array(std::size_t /*elements*/) override {
    other();
    return ++depth_ <= max_depth_;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*last_token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return false;
  }

  [[nodiscard]] Incoming result() && {
    if (!is_object_ || !type_.value) return Undecoded::invalid;
    if (*type_.value == "pong") return Pong{};
    if (*type_.value == "hello") return std::move(*this).hello();
    if (*type_.value == "order:updated") return std::move(*this).order_update();
    if (*type_.value == "orders:changed") return std::move(*this).order_hint();
    if (*type_.value == "error") return std::move(*this).server_error();
    return Undecoded::unknown;
  }

 private:
  enum class Field : std::uint8_t {
    other,
    type,
    order_id,
    data,
    status,
    code,
    message,
    epoch,
    node
  };

  struct Text {
    bool is_there = false;  ///< With any value.
    std::optional<std::string> value;
    [[nodiscard]] bool is_text_or_missing() const noexcept { return value || !is_there; }
    [[nodiscard]] std::string take() { return std::move(value).value_or(std::string{}); }
  };

  static Field field_named(std::string_view name) noexcept {
    return name == "type"      ? Field::type
           : name == "orderId" ? Field::order_id
           : name == "data"    ? Field::data
           : name == "status"  ? Field::status
           : name == "code"    ? Field::code
           : name == "message" ? Field::message
           : name == "epoch"   ? Field::epoch
           : name == "node"    ? Field::node
                               : Field::other;
  }

  [[nodiscard]] Text* text_field() noexcept {
    if (depth_ != 1) return nullptr;
    switch (field_) {
      case Field::type:
        return &type_;
      case Field::order_id:
        return &order_id_;
      case Field::status:
        return &status_;
      case Field::code:
        return &code_;
      case Field::message:
        return &message_;
      case Field::epoch:
        return &epoch_;
      case Field::node:
        return &node_;
      case Field::data:
      case Field::other:
        return nullptr;
    }
    return nullptr;
  }
  [[nodiscard]] bool is_version() const noexcept { return depth_ == 2 && in_version_; }

  /// A value of any type: the last of duplicate names counts, so it drops the earlier value.
  bool other() noexcept {
    if (auto* text = text_field()) *text = {true, std::nullopt};
    if (depth_ == 1 && field_ == Field::data) {
      data_.reset();
      version_.reset();
    }
    if (is_version()) version_.reset();
    return true;
  }

  [[nodiscard]] bool has_order_id() const noexcept {
    return order_id_.value && !order_id_.value->empty() &&
           order_id_.value->size() <= max_order_id_bytes;
  }
  [[nodiscard]] Incoming hello() && {
    if (!epoch_.value || epoch_.value->empty() || !node_.is_text_or_missing()) {
      return Undecoded::invalid;
    }
    return ServerHello{epoch_.take(), node_.take()};
  }
  [[nodiscard]] Incoming order_update() && {
    if (!has_order_id() || !data_ || !version_) return Undecoded::invalid;
    return OrderUpdate{order_id_.take(), *version_, std::string(*data_)};
  }
  [[nodiscard]] Incoming order_hint() && {
    if (!has_order_id() || !status_.value) return Undecoded::invalid;
    return OrderHint{order_id_.take(), status_.take()};
  }
  [[nodiscard]] Incoming server_error() && {
    if (!code_.value || !message_.is_text_or_missing() || !order_id_.is_text_or_missing()) {
      return Undecoded::invalid;
    }
    return ServerError{code_.take(), message_.take(), order_id_.take()};
  }

  std::size_t max_depth_;
  const char* const& at_;
  std::size_t depth_ = 0;
  bool is_object_ = false;
  bool in_data_ = false;     ///< Within the object `data` of the outermost object.
  bool in_version_ = false;  ///< The last name directly in it was `version`.
  Field field_ = Field::other;
  Text type_;
  Text order_id_;
  Text status_;
  Text code_;
  Text message_;
  Text epoch_;
  Text node_;
  const char* data_begin_ = nullptr;
  std::optional<std::string_view> data_;
  std::optional<std::uint64_t> version_;
};

}  // namespace ordercast::client::detail
