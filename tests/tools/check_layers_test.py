#!/usr/bin/env python3
"""Plants violations in a small tree and expects tools/check_layers.py to name each of them, and nothing else."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECKER = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check_layers.py"

LAYERS = """
base:
proto:
worker/data:          base
worker/state:         base worker/data
worker/state/rocksdb: base worker/state
worker/lane:          base proto worker/data
                      worker/state
tests:                *
[libraries]
absl/: *
private rocksdb/: worker/state/rocksdb
random:
"""

CLEAN = {
    "docs/layers.txt": LAYERS,
    "base/hash.h": "#pragma once\n#include <cstdint>\n#include \"absl/status/status.h\"\n",
    "proto/job.proto": "syntax = \"proto3\";\n",
    "worker/data/batch.h": "#pragma once\n#include \"base/hash.h\"\n",
    "worker/state/state.h": "#pragma once\n#include \"worker/data/batch.h\"\n#include \"worker/state/internal/map.h\"\n",
    "worker/state/internal/map.h": "#pragma once\n",
    "worker/state/rocksdb/store.cc": "#include <rocksdb/db.h>\n#include \"worker/state/state.h\"\n",
    "worker/lane/lane.cc": "#include \"proto/job.grpc.pb.h\"\n#include \"proto/job.pb.h\"\n#include \"worker/state/state.h\"\n",
    "tests/worker/state/map_test.cc": "#include <random>\n#include \"worker/state/internal/map.h\"\n",
    "build/release/worker/generated.h": "#include \"anything.h\"\n",
}


def check(changes):
    """(exit code, complaints without the closing line) for the clean tree with some files changed."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {**CLEAN, **changes}.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        done = subprocess.run([sys.executable, CHECKER, folder], capture_output=True, text=True, check=False)
        assert not done.stderr, done.stderr
        return done.returncode, done.stdout.splitlines()[:-1]


class CheckLayersTest(unittest.TestCase):
    def assert_only_complaint(self, changes, *parts):
        code, complaints = check(changes)
        self.assertEqual(code, 1)
        self.assertEqual(len(complaints), 1, complaints)
        for part in parts:
            self.assertIn(part, complaints[0])

    def test_a_clean_tree_passes(self):
        self.assertEqual(check({}), (0, []))

    def test_an_arrow_that_is_not_in_the_table_fails_with_file_and_line(self):
        self.assert_only_complaint({"worker/data/column.cc": "\n#include \"worker/lane/lane.h\"\n",
                                    "worker/lane/lane.h": "#pragma once\n"},
                                   "worker/data/column.cc:2:", "may not include worker/lane", "allowed: base")

    def test_an_arrow_upwards_fails_also_from_base(self):
        self.assert_only_complaint({"base/hash.cc": "#include \"worker/data/batch.h\"\n"}, "base may not include worker/data")

    def test_a_module_below_another_is_a_module_of_its_own(self):
        self.assert_only_complaint({"worker/state/state.cc": "#include \"worker/state/rocksdb/store.h\"\n",
                                    "worker/state/rocksdb/store.h": "#pragma once\n"},
                                   "worker/state may not include worker/state/rocksdb")

    def test_the_internal_headers_of_another_module_are_closed(self):
        self.assert_only_complaint({"worker/lane/run.cc": "#include \"worker/state/internal/map.h\"\n"},
                                   "worker/lane/run.cc:1:", "is internal to worker/state")

    def test_a_cycle_in_the_table_is_printed(self):
        self.assert_only_complaint({"docs/layers.txt": LAYERS.replace("base:\n", "base: worker/lane\n", 1)},
                                   "cycle in the table", "base -> worker/lane -> base")

    def test_a_cycle_of_headers_in_one_module_is_printed(self):
        self.assert_only_complaint({"base/a.h": "#pragma once\n#include \"base/b.h\"\n",
                                    "base/b.h": "#pragma once\n#include \"base/a.h\"\n"},
                                   "cycle in headers", "base/a.h -> base/b.h -> base/a.h")

    def test_a_library_outside_its_folder_fails(self):
        self.assert_only_complaint({"worker/lane/lane.cc": "#include <rocksdb/db.h>\n"},
                                   "worker/lane may not include <rocksdb/db.h>", "worker/state/rocksdb only")

    def test_a_library_in_a_face_header_fails(self):
        self.assert_only_complaint({"worker/state/rocksdb/store.h": "#pragma once\n#include \"rocksdb/db.h\"\n"},
                                   "in a face header")

    def test_a_library_in_an_internal_header_is_fine(self):
        self.assertEqual(check({"worker/state/rocksdb/internal/db.h": "#pragma once\n#include \"rocksdb/db.h\"\n"}), (0, []))

    def test_randomness_outside_tests_fails(self):
        self.assert_only_complaint({"worker/lane/lane.cc": "#include <random>\n"}, "<random>", "tests only")

    def test_an_unknown_library_fails(self):
        self.assert_only_complaint({"worker/lane/lane.cc": "#include <curl/curl.h>\n"}, "<curl/curl.h> is no library")

    def test_a_relative_include_fails(self):
        self.assert_only_complaint({"worker/data/batch.cc": "#include \"batch.h\"\n"}, "neither a full path")

    def test_a_header_that_does_not_exist_fails(self):
        self.assert_only_complaint({"worker/lane/lane.cc": "#include \"base/gone.h\"\n"}, "\"base/gone.h\" does not exist")

    def test_a_generated_header_needs_its_source(self):
        self.assert_only_complaint({"worker/lane/lane.cc": "#include \"proto/gone.pb.h\"\n"}, "does not exist")

    def test_a_generated_header_may_be_named_by_the_recipe_of_its_folder(self):
        self.assertEqual(check({"worker/lane/CMakeLists.txt": "configure_file(a ${CMAKE_CURRENT_BINARY_DIR}/made.h)",
                                "worker/lane/lane.cc": "#include \"worker/lane/made.h\"\n"}), (0, []))

    def test_a_file_outside_every_module_fails(self):
        self.assert_only_complaint({"worker/new/thing.cc": "\n"}, "worker/new/thing.cc", "in no module")

    def test_a_header_without_pragma_once_fails(self):
        self.assert_only_complaint({"base/clock.h": "// clock\n"}, "base/clock.h:1", "#pragma once")

    def test_a_table_that_names_an_unknown_module_fails(self):
        self.assert_only_complaint({"docs/layers.txt": LAYERS.replace("worker/data:          base", "worker/data: base basis")},
                                   "names 'basis'")


if __name__ == "__main__":
    unittest.main()
