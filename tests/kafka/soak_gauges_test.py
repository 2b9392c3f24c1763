#!/usr/bin/env python3
"""What a soak says of memory that grows, of memory that only differs with the number of lanes, and of bounds.

Mutants these kill: a level for all loads together; a slope without its error; the last third compared with itself."""

import pathlib
import random
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

# pylint: disable=wrong-import-position
import soak_gauges as gauges  # noqa: E402


def samples(share_in_ten_minutes, noise=0.0, seconds=600):
    """100 MB and 10 more with each lane, of which there are now more and now fewer, and more towards the end."""
    rng = random.Random(1)
    result = []
    for second in range(0, seconds, 2):
        load = 1 + second // 45 % 3 + second // 300
        memory = (100e6 + 10e6 * load) * (1 + rng.uniform(-noise, noise)) + 130e6 * share_in_ten_minutes * second / 600
        result.append(gauges.Sample(float(second), load, memory, 20))
    return result


class SlopeTest(unittest.TestCase):
    def test_lanes_that_come_and_go_are_no_slope(self):
        slope = gauges.slope_of(samples(0))
        self.assertAlmostEqual(0, slope.share, places=6)
        self.assertFalse(gauges.grows(slope))

    def test_a_leak_is_found_under_lanes_that_come_and_go(self):
        slope = gauges.slope_of(samples(0.03))
        self.assertAlmostEqual(0.03, slope.share, delta=0.003)
        self.assertTrue(gauges.grows(slope))

    def test_a_leak_is_found_in_noise_and_noise_is_no_leak(self):
        self.assertTrue(gauges.grows(gauges.slope_of(samples(0.04, noise=0.01))))
        self.assertFalse(gauges.grows(gauges.slope_of(samples(0.0, noise=0.05))))

    def test_the_warm_up_does_not_count(self):
        warm = [sample._replace(memory=sample.memory / (2 if sample.seconds < gauges.WARM_UP_S - 5 else 1))
                for sample in samples(0)]
        self.assertAlmostEqual(0, gauges.slope_of(warm).share, places=6)

    def test_a_short_life_has_no_slope(self):
        self.assertIsNone(gauges.slope_of([]))
        self.assertIsNone(gauges.slope_of(samples(0, seconds=int(gauges.WARM_UP_S + 60))))


class BoundTest(unittest.TestCase):
    def test_the_last_third_is_held_against_the_first(self):
        self.assertTrue(gauges.bound("x", [10, 10, 99, 10, 14, 10], 1.5, 0).ok)
        self.assertFalse(gauges.bound("x", [10, 10, 10, 10, 16, 10], 1.5, 0).ok)
        self.assertTrue(gauges.bound("x", [10, 10, 10, 10, 16, 10], 1.5, 1).ok)


class ProcFsTest(unittest.TestCase):
    def test_this_process_has_memory_and_descriptors_and_one_that_is_gone_has_not(self):
        self.assertGreater(gauges.memory_of("self"), 1 << 20)
        self.assertGreater(gauges.descriptors_of("self"), 2)
        self.assertIsNone(gauges.memory_of(1 << 30))
        self.assertIsNone(gauges.descriptors_of(1 << 30))


if __name__ == "__main__":
    unittest.main()
