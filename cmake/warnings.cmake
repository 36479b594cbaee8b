# SPDX-License-Identifier: MIT
# What our own programs are compiled with. They link ordercast_warnings PRIVATE; it is never exported,
# so a project that uses ordercast keeps its own rules.
add_library(ordercast_warnings INTERFACE)
target_compile_options(ordercast_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow
  $<$<BOOL:${ORDERCAST_WARNINGS_AS_ERRORS}>:-Werror>)

# Sanitizers must cover every object of a program, so they are set for this directory and below:
# that is our programs, because the libraries have no objects of their own.
if(ORDERCAST_SANITIZE)
  add_compile_options(-fsanitize=${ORDERCAST_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ORDERCAST_SANITIZE})
  # GCC's thread sanitizer doesn't model fences and says so for each one that Asio inlines.
  if(ORDERCAST_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)
  endif()
  # GCC bug 105562: with the address sanitizer it takes libstdc++'s <regex> for uninitialized.
  if(ORDERCAST_SANITIZE MATCHES "address" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
endif()
