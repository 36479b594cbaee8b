# SPDX-License-Identifier: MIT
# Builds and runs conan/test_package against an installation of BUILD_DIR (WAY=find_package), or
# against the sources (WAY=add_subdirectory), from nothing, under rules stricter than a consumer's.
file(REMOVE_RECURSE ${WORK_DIR})

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

if(WAY STREQUAL "find_package")
  run(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${WORK_DIR}/prefix --component library)
  set(where -DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix)
else()
  set(where -DORDERCAST_SOURCE_DIR=${SOURCE_DIR})
endif()

run(${CMAKE_COMMAND} -S ${SOURCE_DIR}/conan/test_package -B ${WORK_DIR}/build -G ${GENERATOR}
    -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}
    "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror" ${where})
run(${CMAKE_COMMAND} --build ${WORK_DIR}/build)
run(${WORK_DIR}/build/consumer)

# The flags of our own programs must not reach consumers.
if(WAY STREQUAL "find_package")
  file(GLOB exports ${WORK_DIR}/prefix/lib*/cmake/ordercast/*.cmake
                    ${WORK_DIR}/prefix/lib*/*/cmake/ordercast/*.cmake)
  if(NOT exports)
    message(FATAL_ERROR "The installation has no CMake package")
  endif()
  foreach(export IN LISTS exports)
    file(READ ${export} text)
    if(text MATCHES "INTERFACE_COMPILE_OPTIONS|INTERFACE_LINK_OPTIONS|-fsanitize|-Werror")
      message(FATAL_ERROR "${export} hands our compiler flags on: ${CMAKE_MATCH_0}")
    endif()
    if(text MATCHES "${SOURCE_DIR}")
      message(FATAL_ERROR "${export} names the source tree")
    endif()
  endforeach()
endif()
