# SPDX-License-Identifier: MIT
# The libraries that each component needs, how CMake finds them, and the Debian package that brings them.
# The build and the installed package (ordercast-config) both read this file.

set(ordercast_components core net jwt tls asio websocketpp nats)
set(ordercast_needs_core nlohmann_json)
set(ordercast_needs_net Threads asio)
set(ordercast_needs_jwt OpenSSL cpp-jwt)
set(ordercast_needs_tls Threads asio OpenSSL)
set(ordercast_needs_asio Threads asio OpenSSL)
set(ordercast_needs_websocketpp Threads asio websocketpp)
set(ordercast_needs_nats Threads libnats)

# ordercast_dependency(NAME TARGET DEBIAN_PACKAGE [ARGUMENT...]): find_package(NAME ARGUMENT...) makes TARGET.
macro(ordercast_dependency name target debian_package)
  set(ordercast_${name}_target ${target})
  set(ordercast_${name}_package ${debian_package})
  set(ordercast_${name}_arguments ${ARGN})
endmacro()
ordercast_dependency(nlohmann_json nlohmann_json::nlohmann_json nlohmann-json3-dev 3.11)
ordercast_dependency(OpenSSL OpenSSL::SSL libssl-dev 3)
ordercast_dependency(cpp-jwt cpp-jwt::cpp-jwt libcpp-jwt-dev 1.4)
ordercast_dependency(Threads Threads::Threads libc6-dev)
ordercast_dependency(asio asio::asio libasio-dev)
ordercast_dependency(websocketpp websocketpp::websocketpp libwebsocketpp-dev 0.8.2)
ordercast_dependency(libnats libnats::libnats libnats-dev)

# ordercast_find(NAME...): finds each unless its target exists, whoever made it. Sets ordercast_missing to a
# list of lines that name what was not found, and ordercast_missing_packages to the packages that bring it.
macro(ordercast_find)
  set(ordercast_missing "")
  set(ordercast_missing_packages "")
  foreach(ordercast_name ${ARGN})
    if(NOT TARGET ${ordercast_${ordercast_name}_target})
      find_package(${ordercast_name} ${ordercast_${ordercast_name}_arguments} QUIET)
    endif()
    if(NOT TARGET ${ordercast_${ordercast_name}_target})
      string(REGEX MATCH "^[0-9.]+" ordercast_version "${ordercast_${ordercast_name}_arguments}")
      string(STRIP "${ordercast_name} ${ordercast_version}" ordercast_line)
      list(APPEND ordercast_missing
        "${ordercast_line} (Debian package ${ordercast_${ordercast_name}_package})")
      list(APPEND ordercast_missing_packages ${ordercast_${ordercast_name}_package})
    endif()
  endforeach()
endmacro()
