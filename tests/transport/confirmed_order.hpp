// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/types.hpp>

namespace ordercast::test {

/// A change of alice's order `o-1`, to publish.
inline const OrderEvent confirmed{"o-1",
                                  OwnerId("alice"),
                                  OrganizationId("org-1"),
                                  "CONFIRMED",
                                  2,
                                  R"({"id":"o-1","version":2})"};

}  // namespace ordercast::test
