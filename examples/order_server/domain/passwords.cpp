// SPDX-License-Identifier: MIT
#include "domain/passwords.hpp"

#include "domain/sodium.hpp"

#include <argon2.h>
#include <sodium.h>

#include <array>
#include <charconv>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>

namespace order_server {
namespace {

constexpr std::string_view prefix = "$argon2id$v=19$";
constexpr std::size_t salt_bytes = 16;  // RFC 9106, section 3.1
constexpr std::size_t hash_bytes = 32;
constexpr int base64 = sodium_base64_VARIANT_ORIGINAL_NO_PADDING;

using Salt = std::array<unsigned char, salt_bytes>;
using Hash = std::array<unsigned char, hash_bytes>;

/// The parts of an encoded hash.
struct Encoded {
  HashCost cost;
  Salt salt{};
  Hash hash{};
};

/// Removes `text` from the front of `rest`. Returns false and removes nothing if `rest` does not
/// begin with it.
bool skip(std::string_view& rest, std::string_view text) {
  if (rest.substr(0, text.size()) != text) return false;
  rest.remove_prefix(text.size());
  return true;
}

bool read_number(std::string_view& rest, std::uint32_t& number) {
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc{}) return false;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return true;
}

template <std::size_t Size>
bool read_bytes(std::string_view text, std::array<unsigned char, Size>& bytes) {
  std::size_t length = 0;
  return sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &length,
                           nullptr, base64) == 0 &&
         length == bytes.size();
}

std::optional<Encoded> parse(std::string_view text) {
  Encoded encoded;
  if (!skip(text, prefix) || !skip(text, "m=") || !read_number(text, encoded.cost.memory_kib) ||
      !skip(text, ",t=") || !read_number(text, encoded.cost.passes) || !skip(text, ",p=1$")) {
    return {};
  }
  const auto end_of_salt = text.find('$');
  if (end_of_salt == std::string_view::npos ||
      !read_bytes(text.substr(0, end_of_salt), encoded.salt) ||
      !read_bytes(text.substr(end_of_salt + 1), encoded.hash)) {
    return {};
  }
  return encoded;
}

template <std::size_t Size>
std::string base64_of(const std::array<unsigned char, Size>& bytes) {
  std::array<char, sodium_base64_ENCODED_LEN(Size, base64)> text{};
  return sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), base64);
}

// libargon2's callbacks get no user data. It calls them on the hashing thread.
thread_local unsigned char* memory_of_this_hash = nullptr;

int give_memory(std::uint8_t** memory, std::size_t /*bytes*/) {
  *memory = memory_of_this_hash;
  return ARGON2_OK;
}

void keep_memory(std::uint8_t* /*memory*/, std::size_t /*bytes*/) {}

/// Returns nullopt for a cost that argon2 does not support. Throws std::bad_alloc.
std::optional<Hash> compute(HashCost cost, const Salt& salt, std::string_view password,
                            HashMemory& memory) {
  if (cost.memory_kib < ARGON2_MIN_MEMORY || cost.passes < ARGON2_MIN_TIME) return {};
  const auto lease = memory.take(std::size_t{cost.memory_kib} * 1024);
  memory_of_this_hash = lease.data();
  Hash hash{};
  Salt its_salt = salt;
  std::string its_password(password);
  argon2_context context{};
  context.out = hash.data();
  context.outlen = static_cast<std::uint32_t>(hash.size());
  context.pwd = reinterpret_cast<std::uint8_t*>(its_password.data());
  context.pwdlen = static_cast<std::uint32_t>(its_password.size());
  context.salt = its_salt.data();
  context.saltlen = static_cast<std::uint32_t>(its_salt.size());
  context.t_cost = cost.passes;
  context.m_cost = cost.memory_kib;
  context.lanes = 1;
  context.threads = 1;
  context.version = ARGON2_VERSION_13;
  context.allocate_cbk = &give_memory;
  context.free_cbk = &keep_memory;
  context.flags = ARGON2_FLAG_CLEAR_PASSWORD;
  const int result = argon2id_ctx(&context);
  memory_of_this_hash = nullptr;
  if (result == ARGON2_MEMORY_ALLOCATION_ERROR) throw std::bad_alloc();
  if (result != ARGON2_OK) return {};
  return hash;
}

}  // namespace

std::string PasswordHasher::hash(std::string_view password) const {
  require_sodium();
  Salt salt{};
  randombytes_buf(salt.data(), salt.size());
  const auto hash = compute(cost_, salt, password, memory_);
  if (!hash) throw std::invalid_argument("a password's hash takes at least 1 pass and 8 KiB");
  return std::string(prefix) + "m=" + std::to_string(cost_.memory_kib) +
         ",t=" + std::to_string(cost_.passes) + ",p=1$" + base64_of(salt) + "$" + base64_of(*hash);
}

bool PasswordHasher::verify(std::string_view hash, std::string_view password) const {
  require_sodium();
  const auto encoded = parse(hash);
  if (!encoded) return false;
  const auto computed = compute(encoded->cost, encoded->salt, password, memory_);
  return computed &&
         sodium_memcmp(computed->data(), encoded->hash.data(), encoded->hash.size()) == 0;
}

}  // namespace order_server
