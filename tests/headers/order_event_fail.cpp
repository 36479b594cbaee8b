// SPDX-License-Identifier: MIT
// Without OWNER and ORGANIZATION this compiles. With those of a test it must not: an order's owner
// and its organization can't be taken for each other, nor given as plain text.
#include <ordercast/types.hpp>

using namespace ordercast;

#ifndef OWNER
#define OWNER OwnerId("alice")
#define ORGANIZATION OrganizationId("org-1")
#define ASSIGNEE AssigneeId("carl")
#endif

[[maybe_unused]] const OrderEvent event{"order-1", OWNER, ORGANIZATION, "READY", 2, "{}", ASSIGNEE};
[[maybe_unused]] const bool may = may_watch({"alice"}, OWNER, ORGANIZATION, ASSIGNEE);
