# Compiler settings shared by every target. Presets are in CMakePresets.json.
if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|AMD64")
  message(FATAL_ERROR "StreamML builds for x86-64 only; this machine is ${CMAKE_SYSTEM_PROCESSOR}")
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
# -g1: perf and valgrind can name functions and lines, for a few percent more build time.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
add_link_options(-fuse-ld=mold)

# A fixed instruction set and no contraction of a*b+c: equal inputs give equal bits on every machine
# that runs the build (invariant I3).
add_compile_options(-march=x86-64-v2 -mtune=generic -ffp-contract=off)
add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Werror)

set(STREAMML_SANITIZE "" CACHE STRING "address+undefined or thread")
if(STREAMML_SANITIZE STREQUAL "address+undefined")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  # gcc 14 and abseil's headers: constant expressions that these checks make not constant, and a warning
  # about abseil's own poisoning.
  add_compile_options(-fno-sanitize=null,nonnull-attribute,returns-nonnull-attribute -Wno-maybe-uninitialized)
  # Else abseil lays its hash tables out differently here than in Debian's library.
  add_compile_definitions(NDEBUG_SANITIZER)
  add_link_options(-fsanitize=address,undefined)
elseif(STREAMML_SANITIZE STREQUAL "thread")
  # -Wno-tsan: gcc warns of atomic_thread_fence in library headers that it does not model.
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer -Wno-tsan)
  # Else protobuf's and abseil's headers lay out classes differently here than in Debian's libraries.
  add_compile_options(-U__SANITIZE_THREAD__)
  add_link_options(-fsanitize=thread)
elseif(NOT STREAMML_SANITIZE STREQUAL "")
  message(FATAL_ERROR "STREAMML_SANITIZE is '${STREAMML_SANITIZE}'; allowed: address+undefined, thread")
endif()
include_directories(${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
find_package(absl REQUIRED)
find_package(GTest REQUIRED)
