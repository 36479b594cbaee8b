// SPDX-License-Identifier: MIT
#include "kernel_memory.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

namespace ordercast::bench {

namespace {

/// The memory of one socket, from its message.
std::size_t queued_bytes(const nlmsghdr* message) {
  const auto* const data = reinterpret_cast<const char*>(NLMSG_DATA(message));
  const auto* attribute = reinterpret_cast<const rtattr*>(data + sizeof(inet_diag_msg));
  auto left = static_cast<int>(message->nlmsg_len - NLMSG_LENGTH(sizeof(inet_diag_msg)));
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type != INET_DIAG_SKMEMINFO) continue;
    std::uint32_t queued = 0;
    std::memcpy(&queued,
                static_cast<const char*>(RTA_DATA(attribute)) +
                    SK_MEMINFO_WMEM_QUEUED * sizeof(std::uint32_t),
                sizeof queued);
    return queued;
  }
  return 0;
}

}  // namespace

std::size_t send_memory_of(std::uint16_t port) {
  const auto fail = [](const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
  };
  const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) fail("a socket for sock_diag");
  struct {
    nlmsghdr head;
    inet_diag_req_v2 body;
  } request{};
  request.head.nlmsg_len = sizeof request;
  request.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.sdiag_family = AF_INET;
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_ext = 1U << (INET_DIAG_SKMEMINFO - 1);
  request.body.idiag_states = 1U << TCP_ESTABLISHED;
  request.body.id.idiag_sport = htons(port);
  if (::send(fd, &request, sizeof request, 0) < 0) fail("sock_diag");
  std::size_t sum = 0;
  std::vector<char> buffer(65'536);
  for (bool goes_on = true; goes_on;) {
    const auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got < 0) fail("sock_diag");
    auto left = static_cast<unsigned>(got);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
         NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
      goes_on = message->nlmsg_type != NLMSG_DONE && message->nlmsg_type != NLMSG_ERROR;
      if (!goes_on) break;
      sum += queued_bytes(message);
    }
  }
  ::close(fd);
  return sum;
}

}  // namespace ordercast::bench
