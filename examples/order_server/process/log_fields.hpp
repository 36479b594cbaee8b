// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace order_server {

/// A field of every line that this thread logs while the object lives: which request it is about,
/// for example. The text log shows it as ` name=value` behind the message, the JSON log as a
/// member.
///
/// Fields end in the reverse order of their making, as local variables do. An empty value is not
/// shown. Costs no lock.
class LogField {
 public:
  /// `name` is a literal.
  LogField(const char* name, std::string value) : LogField(name, std::move(value), false) {}
  LogField(const char* name, std::int64_t value) : LogField(name, std::to_string(value), true) {}
  LogField(const LogField&) = delete;
  LogField& operator=(const LogField&) = delete;
  ~LogField() { innermost_ = outer_; }

  [[nodiscard]] const char* name() const noexcept { return name_; }
  [[nodiscard]] const std::string& value() const noexcept { return value_; }
  [[nodiscard]] bool is_number() const noexcept { return is_number_; }
  /// The field that was made before this one; null for the first.
  [[nodiscard]] const LogField* outer() const noexcept { return outer_; }

  /// The newest field of this thread; null if there is none.
  [[nodiscard]] static const LogField* innermost() noexcept { return innermost_; }

 private:
  LogField(const char* name, std::string value, bool is_number)
      : name_(name), value_(std::move(value)), is_number_(is_number), outer_(innermost_) {
    innermost_ = this;
  }

  inline static thread_local const LogField* innermost_ = nullptr;

  const char* name_;
  const std::string value_;
  const bool is_number_;
  const LogField* const outer_;
};

}  // namespace order_server
