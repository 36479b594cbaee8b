// SPDX-License-Identifier: MIT
#pragma once

/// The library's version, for `#if` and for people. CMake reads it from this file.
#define ORDERCAST_VERSION_MAJOR 0
#define ORDERCAST_VERSION_MINOR 1
#define ORDERCAST_VERSION_PATCH 0
#define ORDERCAST_VERSION_STRING "0.1.0"
