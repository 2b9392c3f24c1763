"""What a soak measures: memory and descriptors of processes, disk of folders, records and bytes of topics; and whether
what was measured keeps within bounds."""

import collections
import math
import pathlib

WARM_UP_S = 75       # of a process, that does not count
POINT_S = 15         # samples of one stretch of time and one load are one point
MAX_SLOPE = 0.01     # of memory, in ten minutes
MIN_POINTS = 8
TEN_MINUTES_S = 600

Sample = collections.namedtuple("Sample", "seconds load memory descriptors")  # load: how many lanes it ran
Slope = collections.namedtuple("Slope", "share error points")  # in ten minutes, of the mean; standard error; points
Bound = collections.namedtuple("Bound", "what first last most allowed ok")


def memory_of(pid):
    """Bytes that are its own; files that it maps are the page cache's. None when it is gone."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))
    except (OSError, StopIteration):
        return None


def descriptors_of(pid):
    try:
        return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return None


def folder_bytes(path):
    total = 0
    for file in pathlib.Path(path).rglob("*"):
        try:
            stat = file.lstat()
        except OSError:
            continue  # gone meanwhile
        total += stat.st_blocks * 512
    return total


def topic_bytes(broker_folder, prefix):
    """On the broker's disk."""
    return sum(folder_bytes(path) for path in pathlib.Path(broker_folder, "data").glob(f"{prefix}*"))


def slope_of(samples):
    """How memory grows, told apart from what it depends on the number of lanes: each number has a level of its own, and
    all have one slope. Points are means over a stretch, because samples beside each other say the same. None: too few."""
    if not samples:
        return None
    since = samples[0].seconds + WARM_UP_S
    stretches = collections.defaultdict(list)
    for sample in samples:
        if sample.seconds >= since:
            stretches[sample.load, int(sample.seconds / POINT_S)].append(sample)
    levels = collections.defaultdict(list)
    for (load, _), stretch in stretches.items():
        levels[load].append((_mean(sample.seconds for sample in stretch), _mean(sample.memory for sample in stretch)))
    points = []
    for level in levels.values():
        middle, mean = _mean(x for x, _ in level), _mean(y for _, y in level)
        points += [(x - middle, y - mean) for x, y in level]
    spread = sum(x * x for x, _ in points)
    free = len(points) - len(levels) - 1
    if len(points) < MIN_POINTS or free < 3 or spread == 0:
        return None
    slope = sum(x * y for x, y in points) / spread
    error = math.sqrt(sum((y - slope * x) ** 2 for x, y in points) / free / spread)
    whole = _mean(y for level in levels.values() for _, y in level) / TEN_MINUTES_S
    return Slope(slope / whole, error / whole, len(points))


def grows(slope):
    """Whether memory grows by more than it may, beyond what chance explains."""
    return slope.share - 2 * slope.error > MAX_SLOPE


def bound(what, values, factor, slack):
    """The last third of a series of values may not have more than the first third had, but for `factor` and `slack`."""
    third = max(1, len(values) // 3)
    first, last = max(values[:third], default=0), max(values[-third:], default=0)
    allowed = first * factor + slack
    return Bound(what, first, last, max(values, default=0), allowed, last <= allowed)


def _mean(values):
    values = list(values)
    return sum(values) / len(values)
