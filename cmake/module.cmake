# streamml_module(NAME SOURCES a.cc ... DEPENDS target ...): the static library of one folder.
function(streamml_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS})
endfunction()

# streamml_test(NAME SOURCES a_test.cc ... DEPENDS target ...): a GoogleTest program, run by ctest.
function(streamml_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} GTest::gmock GTest::gtest GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  streamml_test_limits(${name})
endfunction()

# streamml_test_limits(TEST ...): for tests added by add_test: a time limit that only a hang reaches, and how
# sanitizers behave (their own exit code; what uninstrumented libraries do among themselves is not ours).
function(streamml_test_limits)
  set(quiet "suppressions=${CMAKE_SOURCE_DIR}/tools/tsan.supp ignore_noninstrumented_modules=1")
  set_tests_properties(${ARGN} PROPERTIES TIMEOUT 300 ENVIRONMENT
    "ASAN_OPTIONS=detect_stack_use_after_return=1:allow_user_poisoning=0;UBSAN_OPTIONS=print_stacktrace=1;TSAN_OPTIONS=${quiet}")
endfunction()
