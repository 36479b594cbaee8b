// SPDX-License-Identifier: MIT
#include "api/context.hpp"
#include "api/envelope.hpp"
#include "api/json_body.hpp"
#include "domain/printable.hpp"
#include "push/device_token.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <optional>

namespace order_server {
namespace {

using ordercast::HttpResponse;

constexpr std::size_t max_device_token_bytes = 4096;

/// Returns the name of a platform that FCM serves, in lower case as it is stored. Clients may use
/// any case.
std::optional<std::string_view> platform_from_string(std::string_view name) {
  for (const std::string_view known : {"android", "ios", "web"}) {
    if (ordercast::iequals(known, name)) return known;
  }
  return std::nullopt;
}

/// Registers a device for the caller, even if another user had it: users of one phone take turns.
/// `takenOver` says that it was another user's until now. FCM asks apps to register at each start,
/// so an app learns that another user got its pushes in the meantime.
HttpResponse add_device(const ApiRequest& request, ApiContext& context) {
  JsonBody body(request.http);
  const std::string token = body.text("token", 1, max_device_token_bytes);
  const auto platform = body.choice("platform", "android, ios, web", platform_from_string);
  if (const auto fault = fault_of_device_token(token, platform); !fault.empty()) {
    body.complain("token", fault);
  }
  if (auto refusal = body.refusal()) return std::move(*refusal);

  const auto& user_id = request.caller.user_id;
  const auto user = context.store.find_user(user_id);
  if (!user) return problem(401, "This user no longer exists");
  if (user->is_disabled) return problem(401, "Invalid token");
  const auto& session_id = request.caller.session_id;
  // The sign-in may have ended while this request waited for the writer.
  if (!session_id.empty() && context.sessions.session_ended_at(session_id, user_id)) {
    return problem(401, "Invalid token");
  }
  const auto before = context.store.add_device(user_id, token, platform, context.now_ms());
  if (!session_id.empty()) context.sessions.bind_device(session_id, user_id, token);
  if (!before) return success({{"registered", true}});
  context.metrics.push_devices_taken_over.add();
  spdlog::warn("device {} of user {} is now user {}'s, who registered it", abbreviated(token),
               printable(*before), printable(user_id));
  return success({{"registered", true}, {"takenOver", true}});
}

/// Removes a device of the caller. The answer is the same if there is no such device.
HttpResponse remove_device(const ApiRequest& request, ApiContext& context) {
  JsonBody body(request.http);
  const std::string token = body.text("token", 1, max_device_token_bytes);
  if (auto refusal = body.refusal()) return std::move(*refusal);

  context.store.remove_device(request.caller.user_id, token);
  return success({{"registered", false}});
}

/// The same call by the name that the reference has for it.
HttpResponse remove_device_token(const ApiRequest& request, ApiContext& context) {
  auto answer = remove_device(request, context);
  return answer.status == 200 ? success({{"removed", true}}) : answer;
}

}  // namespace

Routes device_routes() {
  return {
      {"POST", "/api/v1/devices", Access::signed_in, Lane::writer, &add_device},
      {"DELETE", "/api/v1/devices", Access::signed_in, Lane::writer, &remove_device},
      {"POST", "/api/v1/device-tokens", Access::signed_in, Lane::writer, &add_device},
      {"DELETE", "/api/v1/device-tokens", Access::signed_in, Lane::writer, &remove_device_token}};
}

}  // namespace order_server
